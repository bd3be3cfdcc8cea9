"""PyTorch on the CPU as a peer of the benchmark; the protocol is in ../protocol.ts.

The operations are in torch_operations.py.
"""

import os
import re

import python_peer as peer

MODULE = "torch"
INSTALL = "Install it where python3 finds it, such as Debian's python3-torch or pip install torch"


class Peer(peer.Worker):
    def do_open(self, _):
        # OpenMP's threads wait for each other by spinning, some ten milliseconds on a machine that has other work.
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")
        self.torch = __import__("torch")
        # Debian's build starts with one thread whatever the machine has.
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        self.torch.set_num_threads(threads)
        self.operations = peer.beside("torch_operations").OPERATIONS
        spin = f"GOMP_SPINCOUNT {os.environ['GOMP_SPINCOUNT']}"
        one_dnn = f"oneDNN {'on' if self.torch.backends.mkldnn.is_available() else 'off'}"
        notes = [f"CPU, {threads} threads", spin, one_dnn, *blas_notes()]
        return {"version": self.torch.__version__, "notes": notes}

    def make(self, case, inputs):
        operation = self.operations.get(case["operation"])
        if operation is None:
            raise peer.Unsupported(f"this peer has no {case['operation']}")
        return operation(self.torch, case["attributes"], inputs)

    def own(self, values, shape):
        return self.torch.frombuffer(values, dtype=self.torch.float32).reshape(shape).clone()

    def raw(self, values):
        return bytes(values.detach().float().contiguous().numpy().data)


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
