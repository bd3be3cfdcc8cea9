"""Predicts energies, forces and stresses of the frames of an extended XYZ file with any ASE calculator.

    npx voxtwirl rotate --data in.extxyz --out rotated.extxyz
    python3 predict.py rotated.extxyz predicted.extxyz --calculator ase.calculators.emt:EMT
    npx voxtwirl measure --frames predicted.extxyz --data in.extxyz

--calculator is MODULE:NAME of a class or function that makes one, --options its arguments as JSON, such as
mace.calculators:mace_mp with '{"model": "small", "default_dtype": "float64"}'. Needs numpy and ASE alone. Frames are
read and written one by one; what stands on their comment lines stays, and numbers have all their digits.
"""

import argparse
import importlib
import json
import os
import sys

import numpy
from ase.calculators.calculator import PropertyNotImplementedError
from ase.io import iread


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rotated", help="frames to predict on, extended XYZ")
    parser.add_argument("predicted", help="a new file")
    parser.add_argument("--calculator", required=True, metavar="MODULE:NAME")
    parser.add_argument("--options", default={}, type=json.loads, metavar="JSON", help="arguments of the calculator")
    given = parser.parse_args()
    module, _, name = given.calculator.partition(":")
    calculator = getattr(importlib.import_module(module), name)(**given.options)
    part = given.predicted + ".part"
    count = 0
    if os.path.exists(given.predicted):
        sys.exit(f"{given.predicted} is there already")
    try:
        with open(part, "x") as file:
            for atoms in iread(given.rotated, index=":", format="extxyz"):
                count += 1
                try:
                    file.write(frame_of(atoms, predict(atoms, calculator)))
                except Exception as error:
                    sys.exit(f"frame {count} of {given.rotated}: {type(error).__name__}: {error}")
        os.rename(part, given.predicted)
    finally:
        if os.path.exists(part):
            os.remove(part)
    print(f"{given.predicted}: predictions on {count} frames")


def predict(atoms, calculator):
    """What the calculator has of energy, forces [n, 3] and, of periodic cells, stress [3, 3]."""
    atoms.calc = calculator
    found = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
    if atoms.pbc.all():
        try:
            found["stress"] = atoms.get_stress(voigt=False)
        except (NotImplementedError, PropertyNotImplementedError):
            pass
    return found


def frame_of(atoms, found):
    """ASE's own writer has eight digits of forces, which would be a floor of its own."""
    comment = [] if not atoms.cell.any() else [f'Lattice="{numbers(atoms.cell)}"']
    comment.append("Properties=species:S:1:pos:R:3:forces:R:3")
    comment.append('pbc="' + " ".join("T" if along else "F" for along in atoms.pbc) + '"')
    comment += [f"{key}={text(value)}" for key, value in atoms.info.items()]
    comment.append(f"energy={numbers(found['energy'])}")
    if "stress" in found:
        comment.append(f'stress="{numbers(found["stress"])}"')
    rows = numpy.hstack([atoms.positions, found["forces"]])
    lines = [f"{symbol} {numbers(row)}" for symbol, row in zip(atoms.get_chemical_symbols(), rows)]
    return "\n".join([str(len(atoms)), " ".join(comment), *lines]) + "\n"


def numbers(values):
    """As many digits as give back the same numbers, row by row."""
    return " ".join(repr(float(value)) for value in numpy.asarray(values, float).ravel())


def text(value):
    if isinstance(value, (bool, numpy.bool_)):
        return "T" if value else "F"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    values = numpy.asarray(value)
    words = numbers(values) if values.dtype.kind == "f" else " ".join(str(one) for one in values.ravel())
    return words if values.ndim == 0 else f'"{words}"'


if __name__ == "__main__":
    main()
