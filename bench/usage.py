"""Runs a Python program and writes what its process used, as usage.mjs does for Node: `python3 usage.py PROGRAM ARGUMENT...`."""

import json
import os
import resource
import sys
import time

start = time.monotonic()
sys.argv = sys.argv[1:]
sys.path[0] = os.path.dirname(sys.argv[0])
with open(sys.argv[0], encoding="utf-8") as program:
    code = compile(program.read(), sys.argv[0], "exec")
try:
    exec(code, {"__name__": "__main__", "__file__": sys.argv[0]})
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    with open(os.environ["QAPI_TS_USAGE"], "w", encoding="utf-8") as file:
        usage = {"cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss * 1024, "wall": time.monotonic() - start}
        json.dump(usage, file)
