#!/usr/bin/env python3
"""Compares the vectors of a Torch7 network with those that PyTorch makes of its weights.

usage: compare_torch7.py RUN_NETWORK NETWORK.t7 SIDE [SEED]

Not part of the tests: run by hand. Takes the file apart with a reader of its own, runs the modules
of nn.Sequential one after the other in double precision up to the first View or Reshape, and
compares with what RUN_NETWORK (build/tests/run_network) cuts there. Prints the relative error, and
of the vectors of seeded_images() their norm and first numbers, which test_zoo_torch7.c has.
"""

import os
import struct
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F

from make_mxnet_cases import IMAGES, seeded_images

TYPES = {"Float": "<f4", "Double": "<f8", "Cuda": "<f4", "CudaDouble": "<f8", "CudaHalf": "<f2",
         "Half": "<f2", "Byte": "<u1", "Char": "<i1", "Short": "<i2", "Int": "<i4",
         "Long": "<i8"}


class Reader:
    def __init__(self, data):
        self.data, self.at, self.seen = data, 0, {}

    def unpack(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def text(self):
        length = self.unpack("i")
        self.at += length
        return self.data[self.at - length : self.at].decode("latin1")

    def storage(self, kind):
        count = self.unpack("q")
        array = np.frombuffer(self.data, TYPES[kind], count, self.at)
        self.at += array.nbytes
        return array

    def tensor(self):
        rank = self.unpack("i")
        size = [self.unpack("q") for _ in range(rank)]
        stride = [self.unpack("q") for _ in range(rank)]
        offset, storage = self.unpack("q") - 1, self.value()
        if storage is None or rank == 0:
            return None
        return np.lib.stride_tricks.as_strided(storage[offset:], size,
                                               [step * storage.itemsize for step in stride])

    def object(self, index):
        name = self.text()
        name = self.text() if name.startswith("V ") else name
        if name.startswith("torch.") and name.endswith("Storage"):
            self.seen[index] = self.storage(name[6:-7])
        elif name.startswith("torch.") and name.endswith("Tensor"):
            self.seen[index] = self.tensor()
        else:
            self.seen[index] = fields = {"class": name}
            fields.update(self.value() or {})
        return self.seen[index]

    def value(self):
        kind = self.unpack("i")
        if kind in (0, 1, 2, 5):
            return (lambda: None, lambda: self.unpack("d"), self.text, None, None,
                    lambda: bool(self.unpack("i")))[kind]()
        index = self.unpack("i")
        if index in self.seen:
            return self.seen[index]
        if kind == 4:
            return self.object(index)
        self.seen[index] = table = {}
        if kind == 3:
            for _ in range(self.unpack("i")):
                key = self.value()
                table[key] = self.value()
        else:
            self.text()
            self.value()
        return table


def pair(module, first, second, fallback=0):
    return int(module.get(first, fallback)), int(module.get(second, fallback))


def tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array).astype(np.float64))


def flatten_modules(module):
    if module["class"] != "nn.Sequential":
        return [module]
    modules = module["modules"]
    return [leaf for index in sorted(modules) for leaf in flatten_modules(modules[index])]


def run(modules, x):
    for module in modules:
        kind = module["class"].split(".")[1]
        kernel, stride = pair(module, "kH", "kW"), pair(module, "dH", "dW")
        pad = pair(module, "padH", "padW", module.get("padding", 0))
        if kind in ("SpatialConvolution", "SpatialConvolutionMM"):
            weights = tensor(module["weight"]).reshape(int(module["nOutputPlane"]),
                                                       int(module["nInputPlane"]), *kernel)
            x = F.conv2d(x, weights, tensor(module["bias"]), stride, pad)
        elif kind == "ReLU":
            x = F.relu(x)
        elif kind == "SpatialMaxPooling":
            x = F.max_pool2d(x, kernel, stride, pad, ceil_mode=module.get("ceil_mode", False))
        elif kind == "SpatialZeroPadding":
            x = F.pad(x, [int(module["pad_" + side]) for side in "lrtb"])
        elif kind == "Dropout" and module.get("v2"):
            pass
        elif kind in ("View", "Reshape"):
            return x.flatten(1)
        else:
            sys.exit(f"{kind} is not known here")
    return x.flatten(1)


def main(program, path, side, seed=None):
    with open(path, "rb") as file:
        modules = flatten_modules(Reader(file.read()).value())
    channels = next(int(m["nInputPlane"]) for m in modules if "nInputPlane" in m)
    images = seeded_images(IMAGES, channels, int(side), int(side))
    if seed is not None:
        images = np.random.default_rng(int(seed)).standard_normal(images.shape).astype(np.float32)
    expected = run(modules, torch.from_numpy(images.astype(np.float64))).numpy()
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, name) for name in ("in.npy", "out.npy")]
        np.save(names[0], images)
        subprocess.run([program, path, *names], check=True)
        vectors = np.load(names[1])
    print("relative error", np.linalg.norm(vectors - expected) / np.linalg.norm(expected))
    print("norm", np.linalg.norm(expected), "first", *expected[0][np.abs(expected[0]) > 0][:3])


if __name__ == "__main__":
    main(*sys.argv[1:])
