"""`python_peer.py NAME` runs the peer NAME.py: requests, replies, files of numbers; the protocol is in ../protocol.ts.

A peer has a class Peer, a Worker of this module; what it is imported by; and what to do where that is missing.
"""

import importlib.util
import json
import os
import sys
import time
from array import array


class Unsupported(Exception):
    """Work that the engine has no operation for."""


HERE = os.path.dirname(os.path.abspath(__file__))


def beside(name):
    """A module of this folder, which is not where modules are looked for: torch.py is none of PyTorch's."""
    spec = importlib.util.spec_from_file_location("peer_" + name, os.path.join(HERE, name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def serve(name):
    """Answers requests until the last."""
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != HERE]
    peer = beside(name)
    if importlib.util.find_spec(peer.MODULE) is None:
        try_system_python(name)
    sys.dont_write_bytecode = True
    for descriptor in (3, 4):
        os.set_blocking(descriptor, True)
    requests = os.fdopen(3, "r")
    replies = os.fdopen(4, "w")
    worker = peer.Peer()
    for line in requests:
        request = json.loads(line)
        try:
            answer = {"ok": True, **getattr(worker, "do_" + request["do"])(request)}
        except ModuleNotFoundError as error:
            answer = {"ok": False, "why": "missing", "message": f"python3 has no module {error.name}. {peer.INSTALL}"}
        except Unsupported as error:
            answer = {"ok": False, "why": "unsupported", "message": str(error)}
        except Exception as error:  # whatever the engine says is its answer
            lines = [part.strip() for part in str(error).splitlines() if part.strip()]
            answer = {"ok": False, "why": "failed", "message": " ".join(lines[:2])[:400] or type(error).__name__}
        replies.write(json.dumps(answer) + "\n")
        replies.flush()
        if request["do"] == "close":
            break


def try_system_python(name):
    """Goes on in the system's Python where the one on PATH is another and lacks the module."""
    system = "/usr/bin/python3"
    if sys.flags.no_site or sys.executable == system or not os.path.exists(system):
        return
    for descriptor in (3, 4):
        os.set_inheritable(descriptor, True)
    os.execv(system, [system, os.path.abspath(__file__), name])


class Worker:
    """An engine: it opens itself, makes a case's work (run, read), and turns numbers into its own and back."""

    def __init__(self):
        self.case = None
        self.work = None

    def make(self, case, inputs):
        """What `run` runs and `read` gives the outputs of."""
        raise NotImplementedError

    def own(self, values, shape):
        """An array of float32 as the engine's tensor."""
        raise NotImplementedError

    def raw(self, values):
        """A tensor's float32 numbers as bytes."""
        raise NotImplementedError

    def do_load(self, request):
        self.case = self.work = None
        case = request["case"]
        inputs = {tensor["name"]: self.read(tensor) for tensor in case["inputs"]}
        start = time.perf_counter()
        self.work = self.make(case, inputs)
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
            content = self.raw(outputs[tensor["name"]])
            if len(content) != 4 * count(tensor["shape"]):
                raise ValueError(f"{tensor['name']}: {len(content) // 4} values, expected {tensor['shape']}")
            with open(tensor["file"], "wb") as file:
                file.write(content)
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
        return self.own(values, tensor["shape"])


def count(shape):
    product = 1
    for size in shape:
        product *= size
    return product


if __name__ == "__main__":
    # Peers import this module: it must not be loaded twice.
    sys.modules["python_peer"] = sys.modules["__main__"]
    serve(sys.argv[1])
