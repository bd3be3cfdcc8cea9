"""ASE as a peer of the benchmark, for files of frames; the protocol is in ../protocol.ts."""

import importlib
import os
import tempfile

import python_peer as peer

MODULE = "ase"
INSTALL = "Install it where python3 finds it, such as Debian's python3-ase or pip install ase"

SYMBOLS = ["C", "H", "N", "O"]


class Peer(peer.Worker):
    def do_open(self, _):
        # The first import fails where either is missing, with its name.
        self.numpy = __import__("numpy")
        self.ase = __import__("ase")
        for name in ("ase.io", "ase.calculators.singlepoint"):
            importlib.import_module(name)
        return {"version": self.ase.__version__, "notes": [f"NumPy {self.numpy.__version__}", "one thread"]}

    def make(self, case, inputs):
        makers = {"rotateFrames": RotateFrames, "measureFrames": MeasureFrames}
        maker = makers.get(case["operation"])
        if maker is None:
            raise peer.Unsupported("ASE reads and writes frames alone")
        return maker(self.ase, self.numpy, inputs)

    def own(self, values, shape):
        return self.numpy.frombuffer(values, dtype=self.numpy.float32).reshape(shape).astype(float)

    def raw(self, values):
        return values.astype(self.numpy.float32).tobytes()


class Frames:
    """Files of frames in a folder that goes with the process."""

    def __init__(self, ase, np, inputs):
        self.ase, self.np, self.io = ase, np, ase.io
        self.folder = tempfile.TemporaryDirectory()
        self.positions, self.forces = inputs["positions"], inputs["forces"]
        self.symbols = [SYMBOLS[i % len(SYMBOLS)] for i in range(self.positions.shape[1])]
        self.originals = self.write("originals", self.positions, self.forces, [{} for _ in self.positions])

    def path(self, name):
        return os.path.join(self.folder.name, name + ".xyz")

    def write(self, name, positions, forces, infos):
        with open(self.path(name), "w") as file:
            for i in range(len(positions)):
                atoms = self.ase.Atoms(self.symbols, positions=positions[i], info=infos[i])
                single = self.ase.calculators.singlepoint.SinglePointCalculator
                atoms.calc = single(atoms, forces=forces[i], energy=0.5)
                self.io.write(file, atoms, format="extxyz")
        return self.path(name)


class RotateFrames(Frames):
    """Copies of frames in random rotations, from file to file."""

    COPIES = 24

    def run(self):
        rng = self.np.random.default_rng(1)
        with open(self.path("rotated"), "w") as file:
            for number, atoms in enumerate(self.io.iread(self.originals, index=":", format="extxyz"), 1):
                for copy in range(1, self.COPIES + 1):
                    rotation = self.haar(rng)
                    info = {"frame": number, "copy": copy, "rotation": rotation.ravel()}
                    turned = self.ase.Atoms(atoms.symbols, positions=atoms.positions @ rotation.T, info=info)
                    self.io.write(file, turned, format="extxyz")

    def haar(self, rng):
        q = rng.normal(size=4)
        w, x, y, z = q / self.np.linalg.norm(q)
        return self.np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )

    def read(self):
        squares = self.np.zeros(len(self.positions))
        for i, atoms in enumerate(self.io.iread(self.path("rotated"), index=":", format="extxyz")):
            squares[i // self.COPIES] += (atoms.positions**2).sum()
        return {"squares": squares}


class MeasureFrames(Frames):
    """Forces predicted for rotated copies, read back and decomposed."""

    def __init__(self, ase, np, inputs):
        super().__init__(ase, np, inputs)
        rotations, predictions = inputs["rotations"], inputs["predictions"]
        self.copies = len(predictions) // len(self.positions)
        copies = np.repeat(self.positions, self.copies, axis=0) @ rotations.reshape(-1, 3, 3).transpose(0, 2, 1)
        infos = [{"rotation": rotation} for rotation in rotations]
        self.predicted = self.write("predicted", copies, predictions, infos)
        self.terms = None

    def run(self):
        total = mean = equiv = 0.0
        predicted = self.io.iread(self.predicted, index=":", format="extxyz")
        for atoms in self.io.iread(self.originals, index=":", format="extxyz"):
            label = atoms.get_forces()
            back = []
            for _ in range(self.copies):
                copy = next(predicted)
                back.append(copy.get_forces() @ self.np.reshape(copy.info["rotation"], (3, 3)))
            back = self.np.array(back)
            spread = ((back - back.mean(0)) ** 2).sum() / (self.copies - 1)
            loss = ((back - label) ** 2).sum() / self.copies
            total += loss
            equiv += spread
            mean += loss - spread
        self.terms = self.np.array([total, mean, equiv]) / self.forces.size

    def read(self):
        return {"terms": self.terms}
