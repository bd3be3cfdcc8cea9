"""PyTorch on the CPU as a peer of the benchmark; the protocol is in ../protocol.ts.

The operations are in torch_operations.py.
"""

import importlib.util
import json
import os
import re
import sys
import time
from array import array

INSTALL = "Install it where python3 finds it, such as Debian's python3-torch or pip install torch"


class Unsupported(Exception):
    """Work that the engine has no operation for."""


def main():
    # This file bears the module's name: its folder must not be where `import torch` looks first.
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != here]
    if importlib.util.find_spec("torch") is None:
        try_system_python()
    sys.dont_write_bytecode = True
    for descriptor in (3, 4):
        os.set_blocking(descriptor, True)
    requests = os.fdopen(3, "r")
    replies = os.fdopen(4, "w")
    worker = Worker(here)
    for line in requests:
        request = json.loads(line)
        try:
            answer = {"ok": True, **getattr(worker, "do_" + request["do"])(request)}
        except ModuleNotFoundError as error:
            answer = {"ok": False, "why": "missing", "message": f"python3 has no module {error.name}. {INSTALL}"}
        except Unsupported as error:
            answer = {"ok": False, "why": "unsupported", "message": str(error)}
        except Exception as error:  # whatever the engine says is its answer
            lines = [part.strip() for part in str(error).splitlines() if part.strip()]
            answer = {"ok": False, "why": "failed", "message": " ".join(lines[:2])[:400] or type(error).__name__}
        replies.write(json.dumps(answer) + "\n")
        replies.flush()
        if request["do"] == "close":
            break


def try_system_python():
    """Goes on in the system's Python where the one on PATH is another and has no torch."""
    system = "/usr/bin/python3"
    if sys.flags.no_site or sys.executable == system or not os.path.exists(system):
        return
    for descriptor in (3, 4):
        os.set_inheritable(descriptor, True)
    os.execv(system, [system, os.path.abspath(__file__)])


class Worker:
    def __init__(self, here):
        self.here = here
        self.case = None
        self.work = None

    def do_open(self, _):
        # OpenMP's threads wait for each other by spinning, some ten milliseconds on a machine that has other work.
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")
        self.torch = __import__("torch")
        # Debian's build starts with one thread whatever the machine has.
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        self.torch.set_num_threads(threads)
        self.operations = self.import_beside("torch_operations").OPERATIONS
        spin = f"GOMP_SPINCOUNT {os.environ['GOMP_SPINCOUNT']}"
        one_dnn = f"oneDNN {'on' if self.torch.backends.mkldnn.is_available() else 'off'}"
        notes = [f"CPU, {threads} threads", spin, one_dnn, *blas_notes()]
        return {"version": self.torch.__version__, "notes": notes}

    def do_load(self, request):
        self.case = self.work = None
        case = request["case"]
        make = self.operations.get(case["operation"])
        if make is None:
            raise Unsupported(f"this peer has no {case['operation']}")
        inputs = {tensor["name"]: self.read(tensor) for tensor in case["inputs"]}
        start = time.perf_counter()
        self.work = make(self.torch, case["attributes"], inputs)
        self.case = case
        prepared = time.perf_counter()
        self.work.run()
        first = time.perf_counter()
        workarounds = getattr(self.work, "workarounds", [])
        return {"prepareMs": 1e3 * (prepared - start), "firstMs": 1e3 * (first - prepared), "workarounds": workarounds}

    def do_run(self, request):
        self.loaded()
        milliseconds = []
        for _ in range(request["count"]):
            start = time.perf_counter()
            self.work.run()
            milliseconds.append(1e3 * (time.perf_counter() - start))
        return {"ms": milliseconds}

    def do_save(self, _):
        self.loaded()
        outputs = self.work.read()
        for tensor in self.case["outputs"]:
            values = outputs[tensor["name"]]
            if values.numel() != count(tensor["shape"]):
                raise ValueError(f"{tensor['name']}: {values.numel()} values, expected {tensor['shape']}")
            with open(tensor["file"], "wb") as file:
                file.write(bytes(values.detach().float().contiguous().numpy().data))
        return {}

    def do_close(self, _):
        return {}

    def loaded(self):
        if self.work is None:
            raise RuntimeError("no case is loaded")

    def read(self, tensor):
        values = array("f")
        with open(tensor["file"], "rb") as file:
            values.frombytes(file.read())
        if len(values) != count(tensor["shape"]):
            raise ValueError(f"{tensor['name']}: {len(values)} values in the file, expected {tensor['shape']}")
        return self.torch.frombuffer(values, dtype=self.torch.float32).reshape(tensor["shape"]).clone()

    def import_beside(self, name):
        spec = importlib.util.spec_from_file_location(name, os.path.join(self.here, name + ".py"))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def blas_notes():
    """Which BLAS is loaded, where it is a library of its own; what oneDNN does not take is as fast as that."""
    try:
        with open("/proc/self/maps") as maps:
            paths = {line.split(None, 5)[5].strip() for line in maps if "blas" in line or "blis" in line}
    except OSError:
        return []
    names = {os.path.basename(path) for path in paths}
    fast = sorted(name for name in names if re.search("openblas|blis|atlas", name))
    if fast:
        return [f"BLAS {fast[0]}"]
    if any(name.startswith("libblas.so") for name in names):
        slow = "reference BLAS, which makes convolutions that oneDNN does not take many times slower"
        return [f"{slow}: install libopenblas0"]
    return []


def count(shape):
    product = 1
    for size in shape:
        product *= size
    return product


if __name__ == "__main__":
    main()
