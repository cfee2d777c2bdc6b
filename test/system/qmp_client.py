"""A QMP client of the Python standard library alone. Talks to the server of docs/server.md and prints what it saw, as JSON."""

import json
import socket
import sys


class Client:
    def __init__(self, address):
        kind, _, where = address.partition(":")
        if kind == "unix":
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.connect(where)
        else:
            host, _, port = where.rpartition(":")
            self.socket = socket.create_connection((host, int(port)))
        self.socket.settimeout(20)
        self.lines = self.socket.makefile("rb")

    def send(self, *messages):
        self.raw("".join(json.dumps(message) + "\n" for message in messages))

    def raw(self, text):
        self.socket.sendall(text.encode())

    def receive(self, count=1):
        messages = [json.loads(self.lines.readline()) for _ in range(count)]
        for message in messages:
            message.pop("timestamp", None)
            if "error" in message:
                message["error"] = message["error"]["class"]
        return messages


saw = {}
client = Client(sys.argv[1])
watcher = Client(sys.argv[1])

saw["greeting"] = client.receive()
client.send({"execute": "query-timers", "id": "early"})
saw["early"] = client.receive()
client.send({"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}})
saw["negotiated"] = client.receive()
watcher.receive()
watcher.send({"execute": "qmp_capabilities"})
watcher.receive()

client.send(*({"execute": "query-timers", "id": number} for number in range(100)))
saw["pipelined"] = [reply["id"] for reply in client.receive(100)]

client.send({"execute": "timer-start", "arguments": {"id": "t", "seconds": 3600}, "id": 1})
saw["started"] = client.receive()
client.send({"execute": "query-timers", "id": {"any": ["value"]}})
saw["timers"] = client.receive()

client.send({"execute": "timer-wait", "arguments": {"id": "t"}, "id": "waits"})
client.send({"execute": "query-timers", "id": "queued"})
client.send({"exec-oob": "timer-stop", "arguments": {"id": "t"}, "id": "overtakes"})
saw["out of band"] = client.receive(4)
saw["watched"] = watcher.receive()

client.send({"execute": "timer-stop", "arguments": {"id": "t"}})
client.send({"execute": "timer-start", "arguments": {"id": "t"}})
client.send({"execute": "timer-start", "arguments": {"id": "t", "seconds": "1"}})
client.send({"execute": "timer-fly", "id": None})
saw["errors"] = client.receive(4)
client.send({"exec-oob": "query-timers"})
saw["errors"] += client.receive()

client.raw("{'execute': 'query-timers', 'id': 'single'} {\"execute\" \x00 : 1}\n{\"execute\": \"query-timers\", \"id\": 2}\n")
replies = []
while not replies or replies[-1].get("id") != 2:
    replies += client.receive()
saw["malformed"] = {"first": replies[0], "between": replies[1], "last": replies[-1]}

print(json.dumps(saw))
