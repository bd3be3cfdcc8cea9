"""Safetensors files of float32 arrays, and how far two arrays are apart."""
import json
import math
import struct

import numpy as np
import torch

PRECISION = "computed in float64 from exact float32 inputs and weights, rounded to float32"


def write_safetensors(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, value in tensors.items():
        array = np.ascontiguousarray(value, dtype="<f4")
        offsets = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": offsets}
        data += array.tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_safetensors(path):
    header, data = header_and_data(path)
    return {name: np.frombuffer(data, "<f4", offset=entry["data_offsets"][0],
                                count=math.prod(entry["shape"])).reshape(entry["shape"])
            for name, entry in header.items() if name != "__metadata__"}


def read_metadata(path):
    return header_and_data(path)[0]["__metadata__"]


def header_and_data(path):
    raw = path.read_bytes()
    end = 8 + struct.unpack("<Q", raw[:8])[0]
    return json.loads(raw[8:end]), raw[end:]


def relative_error(actual, expected):
    norm = np.linalg.norm(expected)
    return np.linalg.norm(np.asarray(actual, np.float64) - expected) / norm if norm > 0 else np.linalg.norm(actual)


def normal(random, *shape):
    return torch.from_numpy(random.standard_normal(shape).astype(np.float32))
