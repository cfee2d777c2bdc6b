"""Backs up a disk of a storage daemon, on Python's standard library alone.

usage: backup_recipes.py QMP-SOCKET NBD-SOCKET FOLDER

The daemon has the node 'disk' (disk.qcow2), exported as 'disk' and writable. Makes a full and an incremental backup (push mode), and
reads the disk as it was at one moment while it is written to (fleecing). Prints what it finds as a line of JSON.
"""

import json
import socket
import subprocess
import sys


class Monitor:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.text = b""
        self.events = []
        assert "QMP" in self.receive()
        self.execute("qmp_capabilities")

    def receive(self):
        while b"\n" not in self.text:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise EOFError("the daemon has closed the connection")
            self.text += chunk
        line, _, self.text = self.text.partition(b"\n")
        return json.loads(line)

    def execute(self, command, **arguments):
        names = {key.replace("_", "-"): value for key, value in arguments.items()}
        # No line end: a message ends with its brace.
        self.socket.sendall(json.dumps({"execute": command, "arguments": names}).encode())
        while True:
            message = self.receive()
            if "event" in message:
                self.events.append(message)
            elif "error" in message:
                raise RuntimeError(command + ": " + message["error"]["desc"])
            else:
                return message["return"]

    def wait(self, event, **members):
        def matches(message):
            data = message.get("data", {})
            return message["event"] == event and all(data.get(key) == value for key, value in members.items())

        while True:
            for message in self.events:
                if matches(message):
                    self.events.remove(message)
                    return message["data"]
            message = self.receive()
            if "event" in message:
                self.events.append(message)


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


qmp_path, nbd_path, folder = sys.argv[1:]
qmp = Monitor(qmp_path)
SIZE = "16M"


def export_of(name):
    return f"nbd+unix:///{name}?socket={nbd_path}"


def write(pattern, offset, length):
    run("qemu-io", "-f", "raw", "-c", f"write -P {pattern} {offset} {length}", export_of("disk"))


def add_target(name, *options):
    path = f"{folder}/{name}.qcow2"
    run("qemu-img", "create", "-q", "-f", "qcow2", *options, path, SIZE)
    qmp.execute("blockdev-add", driver="qcow2", node_name=name, file={"driver": "file", "filename": path})
    return path


def backup(target, **options):
    qmp.execute("blockdev-backup", job_id="backup", device="disk", target=target, **options)
    done = qmp.wait("BLOCK_JOB_COMPLETED", device="backup")
    if "error" in done:
        raise RuntimeError(done["error"])
    qmp.wait("JOB_STATUS_CHANGE", id="backup", status="null")
    qmp.execute("blockdev-del", node_name=target)
    return done["len"]


def same(path):
    return "identical" in run("qemu-img", "compare", "-U", "-f", "raw", "-F", "qcow2", export_of("disk"), path)


found = {}

# Push mode: a bitmap that begins with the full backup, and the incremental one that it makes possible.
write(1, 0, "4M")
full = add_target("full")
qmp.execute("block-dirty-bitmap-add", node="disk", name="changes", granularity=65536)
found["full length"] = backup("full", sync="full")
found["full is the disk"] = same(full)
write(2, "1M", "128k")
write(3, "9M", "64k")
increment = add_target("increment", "-b", full, "-F", "qcow2")
found["increment length"] = backup("increment", sync="incremental", bitmap="changes")
found["increment is the disk"] = same(increment)
layers = json.loads(run("qemu-img", "map", "--output=json", increment))
found["bytes in the increment"] = sum(layer["length"] for layer in layers if layer["depth"] == 0 and layer["data"])

# Fleecing: what is about to be overwritten is copied away before, so that an export shows one moment.
path = f"{folder}/fleece.qcow2"
run("qemu-img", "create", "-q", "-f", "qcow2", path, SIZE)
qmp.execute("blockdev-add", driver="qcow2", node_name="fleece", file={"driver": "file", "filename": path}, backing="disk")
qmp.execute("blockdev-backup", job_id="fleecing", device="disk", target="fleece", sync="none")
qmp.execute("block-export-add", type="nbd", id="moment", node_name="fleece", name="moment")
write(9, 0, "2M")
check = run("qemu-io", "-r", "-f", "raw", "-c", "read -P 1 0 1M", "-c", "read -P 2 1M 128k", "-c", "read -P 3 9M 64k", export_of("moment"))
found["the moment stays"] = "verification failed" not in check and check.count("read ") == 3
run("qemu-img", "convert", "-f", "raw", "-O", "raw", export_of("moment"), f"{folder}/moment.raw")
found["the moment is the increment"] = "identical" in run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", f"{folder}/moment.raw", increment)
qmp.execute("block-export-del", id="moment")
found["export deleted"] = qmp.wait("BLOCK_EXPORT_DELETED")["id"]
qmp.execute("block-job-cancel", device="fleecing")
qmp.wait("JOB_STATUS_CHANGE", id="fleecing", status="null")
qmp.execute("blockdev-del", node_name="fleece")

# Pull mode: a backup program reads what has changed, of the disk of one moment, while the next changes are recorded already.
path = f"{folder}/pull.qcow2"
run("qemu-img", "create", "-q", "-f", "qcow2", path, SIZE)
qmp.execute("blockdev-add", driver="qcow2", node_name="pull", file={"driver": "file", "filename": path}, backing="disk")
qmp.execute(
    "transaction",
    actions=[
        {"type": "block-dirty-bitmap-disable", "data": {"node": "disk", "name": "changes"}},
        {"type": "block-dirty-bitmap-add", "data": {"node": "disk", "name": "next", "granularity": 65536}},
        {"type": "blockdev-backup", "data": {"job-id": "pulling", "device": "disk", "target": "pull", "sync": "none"}},
    ],
)
qmp.execute("block-export-add", type="nbd", id="pull", node_name="pull", name="pull", bitmaps=["changes"])
write(10, "1M", "128k")
extents = json.loads(run("nbdinfo", "--json", "--map=qemu:dirty-bitmap:changes", export_of("pull")))
found["pulled"] = [[extent["offset"], extent["length"]] for extent in extents if extent["type"] & 1]
for offset, length in found["pulled"]:
    check = run("qemu-io", "-r", "-f", "raw", "-c", f"read -P 9 {offset} {length}", export_of("pull"))
    found["pulled of the moment"] = "verification failed" not in check and "read " in check
qmp.execute("block-export-del", id="pull")
qmp.wait("BLOCK_EXPORT_DELETED", id="pull")
qmp.execute("block-job-cancel", device="pulling")
qmp.wait("JOB_STATUS_CHANGE", id="pulling", status="null")
qmp.execute("blockdev-del", node_name="pull")
qmp.execute("block-dirty-bitmap-remove", node="disk", name="changes")
nodes = qmp.execute("query-named-block-nodes", flat=True)
found["next"] = [[bitmap["name"], bitmap["count"]] for node in nodes for bitmap in node.get("dirty-bitmaps", [])]
found["nodes"] = len(qmp.execute("query-named-block-nodes", flat=True))
qmp.execute("quit")
print(json.dumps(found))
