#!/usr/bin/env python3
"""Writes golden-pytorch: what the tests of the PyTorch reader and of the architectures expect.

usage: make_pytorch_cases.py        (needs Debian's python3-torchvision)

  small_*.pth       little files of every kind that torch.save writes, and some that are refused
  lenet_deflated.pth
                    a LeNet of equal half-precision weights, in a compressed archive
  lenet.npy, resnet20.npy
                    vectors at the bottleneck, for the seeded weights and images of
                    test_pytorch_reader.c
  torchvision.tsv   names and shapes of the weights of torchvision's networks, each behind a line
                    "= network"
"""

import collections
import io
import os
import pickle
import zipfile

import numpy as np
import torch
import torch.nn.functional as functional
import torchvision.models as zoo

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden-pytorch")


def scatter(index):
    """As in tests/helpers.c."""
    index = index.astype(np.uint32)
    index ^= index >> np.uint32(16)
    index *= np.uint32(0x7FEB352D)
    index ^= index >> np.uint32(15)
    index *= np.uint32(0x846CA68B)
    return index ^ index >> np.uint32(16)


def seeded(count, first=0):
    """Numbers in [-2, 2)."""
    numbers = scatter(np.arange(first, first + count, dtype=np.uint64).astype(np.uint32))
    return (numbers >> np.uint32(8)).astype(np.float32) / np.float32(1 << 22) - np.float32(2)


def seeded_weight(name, shape, number):
    """As test_pytorch_reader.c makes tensor `number` of a network."""
    values = seeded(int(np.prod(shape)), number << 20)
    if len(shape) > 1:
        values *= np.float32(1) / np.sqrt(np.float32(np.prod(shape[1:])))
    else:
        values *= np.float32(0.125)
        if not name.endswith("bias") and not name.endswith("mean"):
            values += np.float32(1)
    return torch.from_numpy(values.reshape(shape))


def lenet_shapes():
    shapes = {"conv1": (6, 1, 5, 5), "conv2": (16, 6, 5, 5), "fc1": (120, 256), "fc2": (84, 120),
              "fc3": (10, 84)}
    for layer, shape in shapes.items():
        yield layer + ".weight", shape
        yield layer + ".bias", shape[:1]


def norm_shapes(layer, channels):
    for name in ("weight", "bias", "running_mean", "running_var"):
        yield f"{layer}.{name}", (channels,)


def resnet20_shapes():
    yield "conv1.weight", (16, 3, 3, 3)
    yield from norm_shapes("bn1", 16)
    before = 16
    for stage, channels in enumerate((16, 32, 64), 1):
        for block in range(3):
            for step in (1, 2):
                yield f"layer{stage}.{block}.conv{step}.weight", (channels, before, 3, 3)
                yield from norm_shapes(f"layer{stage}.{block}.bn{step}", channels)
                before = channels
    yield "linear.weight", (10, 64)
    yield "linear.bias", (10,)


def seeded_state(shapes):
    return {name: seeded_weight(name, shape, number)
            for number, (name, shape) in enumerate(shapes)}


def lenet(state, x):
    for layer in ("conv1", "conv2"):
        x = functional.conv2d(x, state[layer + ".weight"], state[layer + ".bias"])
        x = functional.max_pool2d(functional.relu(x), 2)
    return x.flatten(1)


def resnet20(state, x):
    def norm(x, layer):
        return functional.batch_norm(x, *(state[f"{layer}.{name}"] for name in
                                          ("running_mean", "running_var", "weight", "bias")))

    x = functional.relu(norm(functional.conv2d(x, state["conv1.weight"], padding=1), "bn1"))
    for stage in (1, 2, 3):
        for block in range(3):
            name = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            y = functional.conv2d(x, state[name + ".conv1.weight"], padding=1, stride=stride)
            y = functional.relu(norm(y, name + ".bn1"))
            y = norm(functional.conv2d(y, state[name + ".conv2.weight"], padding=1),
                     name + ".bn2")
            if stride == 2:
                quarter = y.shape[1] // 4
                x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, quarter, quarter))
            x = functional.relu(x + y)
    return x.mean((2, 3))


def write_vectors():
    for name, network, shapes, channels, side in (
            ("lenet", lenet, lenet_shapes(), 1, 28),
            ("resnet20", resnet20, resnet20_shapes(), 3, 32)):
        images = torch.from_numpy(seeded(2 * channels * side * side))
        vectors = network(seeded_state(shapes), images.reshape(2, channels, side, side))
        np.save(os.path.join(FOLDER, name + ".npy"), vectors.numpy())


def write_small_files():
    base = torch.arange(24, dtype=torch.float32)
    state = collections.OrderedDict([
        ("float", base[:6].reshape(2, 3)),
        ("turned", base[6:12].reshape(2, 3).t()),
        ("every.other", base[12:24:2]),
        ("double", torch.arange(3, dtype=torch.float64) / 3),
        ("half", torch.arange(3, dtype=torch.float16) / 2),
        ("brain", torch.arange(3, dtype=torch.float32).to(torch.bfloat16) / 2),
        ("count", torch.tensor(7)),
        ("empty", torch.zeros(0, 3)),
        ("parameter", torch.nn.Parameter(torch.tensor([1.5]))),
    ])
    checkpoint = {"epoch": 3, "loss": np.float64(0.5), "model": state,
                  "optimizer": {"state": {0: {"momentum": torch.zeros(5)}}, "lr": 0.1}}
    old = dict(_use_new_zipfile_serialization=False)
    cases = {
        "zip": (state, {}),
        "legacy": (state, old),
        "zip_checkpoint": (checkpoint, {}),
        "legacy_checkpoint": (checkpoint, old),
        "legacy_protocol_4": (state, dict(pickle_protocol=4, **old)),
        "zip_protocol_4": (state, dict(pickle_protocol=4)),
        "zip_module": (torch.nn.Sequential(torch.nn.Linear(1, 1)), {}),
        "zip_tensor": (torch.zeros(2), {}),
    }
    for name, (value, options) in cases.items():
        torch.save(value, os.path.join(FOLDER, f"small_{name}.pth"), **options)
    script = torch.jit.script(torch.nn.Linear(1, 1))
    torch.jit.save(script, os.path.join(FOLDER, "small_torchscript.pth"))
    with open(os.path.join(FOLDER, "small_plain_pickle.pth"), "wb") as file:
        pickle.dump({"a": 1}, file)


def write_deflated():
    """All tensors are views of one storage, and the archive is packed anew."""
    weights = torch.full((30720,), 1 / 64, dtype=torch.float16)
    stored = io.BytesIO()
    torch.save({name: weights[: int(np.prod(shape))].view(shape)
                for name, shape in lenet_shapes()}, stored)
    with zipfile.ZipFile(stored) as old, \
            zipfile.ZipFile(os.path.join(FOLDER, "lenet_deflated.pth"), "w",
                            zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            new.writestr(zipfile.ZipInfo(entry), old.read(entry), zipfile.ZIP_DEFLATED)


def write_shapes():
    aux = dict(aux_logits=True, init_weights=False)
    networks = {
        "alexnet": zoo.alexnet(), "vgg11": zoo.vgg11(), "vgg13_bn": zoo.vgg13_bn(),
        "resnet18": zoo.resnet18(), "resnet50": zoo.resnet50(),
        "resnext50_32x4d": zoo.resnext50_32x4d(), "wide_resnet50_2": zoo.wide_resnet50_2(),
        "googlenet": zoo.googlenet(**aux), "inception_v3": zoo.inception_v3(**aux),
        "squeezenet1_0": zoo.squeezenet1_0(), "squeezenet1_1": zoo.squeezenet1_1(),
        "mobilenet_v2": zoo.mobilenet_v2(), "densenet121": zoo.densenet121(),
    }
    with open(os.path.join(FOLDER, "torchvision.tsv"), "w", encoding="ascii") as file:
        for network, module in networks.items():
            file.write(f"= {network}\n")
            for name, tensor in module.state_dict().items():
                if not name.endswith("num_batches_tracked"):
                    file.write(f"{name}\t{'x'.join(str(length) for length in tensor.shape)}\n")


def main():
    os.makedirs(FOLDER, exist_ok=True)
    write_vectors()
    write_small_files()
    write_deflated()
    write_shapes()


if __name__ == "__main__":
    main()
