#!/usr/bin/env python3
"""Compares state dictionaries with the ONNX export of the same network, as a table.

usage: compare_state_dictionaries.py RUN_NETWORK [NAME ...]

For torchvision's architectures, and a few that others published, networks with seeded random
weights are written as a zip, as a pickle of before PyTorch 1.6 and as safetensors; some also with
other names, types and strides of their tensors, and as checkpoints; and as ONNX. The errors are
relative, Euclidean, the largest of two vectors. Ends with 1 when one is above the limit.
Needs python3-torchvision and python3-onnx.
"""

import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import torch
import torchvision.models as zoo
from torch import nn
from torch.nn import functional

warnings.filterwarnings("ignore")
LIMIT = 1e-5


class LeNet(nn.Module):
    """As PyTorch's tutorials have it."""

    def __init__(self, channels=1, side=4):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * side * side, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        x = functional.relu(self.fc1(x.flatten(1)))
        return self.fc3(functional.relu(self.fc2(x)))


class CifarBlock(nn.Module):
    def __init__(self, before, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        # Zeros as new channels, half of them before the others: as a matrix, which ONNX can say.
        quarter = channels // 4
        place = torch.eye(channels)[:, quarter : channels - quarter, None, None]
        self.register_buffer("place", place if stride == 2 else None, persistent=False)

    def forward(self, x):
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        if self.place is not None:
            x = functional.conv2d(x[:, :, ::2, ::2], self.place)
        return functional.relu(x + y)


class CifarResNet(nn.Module):
    """As akamaster/pytorch_resnet_cifar10 has it: identity shortcuts."""

    def __init__(self, blocks=3):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        before = 16
        for stage, channels in enumerate((16, 32, 64), 1):
            steps = []
            for block in range(blocks):
                steps.append(CifarBlock(before, channels, 2 if stage > 1 and block == 0 else 1))
                before = channels
            setattr(self, f"layer{stage}", nn.Sequential(*steps))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


class MobileNetV1(nn.Module):
    """With the names that PyTorch's users gave it (marvis/pytorch-mobilenet)."""

    def __init__(self, width=1.0):
        super().__init__()
        channels = [int(count * width) for count in
                    (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)]
        strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
        steps = [nn.Sequential(nn.Conv2d(3, channels[0], 3, 2, 1, bias=False),
                               nn.BatchNorm2d(channels[0]), nn.ReLU())]
        for before, after, stride in zip(channels, channels[1:], strides):
            steps.append(nn.Sequential(
                nn.Conv2d(before, before, 3, stride, 1, groups=before, bias=False),
                nn.BatchNorm2d(before), nn.ReLU(),
                nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()))
        self.model = nn.Sequential(*steps)
        self.fc = nn.Linear(channels[-1], 1000)

    def forward(self, x):
        return self.fc(self.model(x).mean((2, 3)))


PLAIN = (
    "alexnet vgg11 vgg13 vgg16 vgg19 vgg11_bn vgg13_bn vgg16_bn vgg19_bn resnet18 resnet34 resnet50 "
    "resnet101 resnet152 resnext50_32x4d resnext101_32x8d resnext101_64x4d wide_resnet50_2 "
    "wide_resnet101_2 squeezenet1_0 squeezenet1_1 densenet121 densenet161 densenet169 densenet201"
).split()
AUXILIARY = {False: dict(aux_logits=False, init_weights=False),
             True: dict(aux_logits=True, init_weights=False)}

# What makes a network, and the channels and side of its images.
NETWORKS = {
    **{name: (getattr(zoo, name), {}, 3, 224) for name in PLAIN},
    **{f"mobilenet_v2_{width}": (zoo.mobilenet_v2, dict(width_mult=width), 3, 224)
       for width in (0.1, 0.35, 0.5, 0.75, 1.0, 1.4)},
    **{f"mobilenet_v1_{width}": (MobileNetV1, dict(width=width), 3, 224) for width in (0.25, 1.0)},
    "googlenet": (zoo.googlenet, AUXILIARY[False], 3, 224),
    "googlenet_auxiliary": (zoo.googlenet, AUXILIARY[True], 3, 224),
    "inception_v3": (zoo.inception_v3, AUXILIARY[False], 3, 299),
    "inception_v3_auxiliary": (zoo.inception_v3, AUXILIARY[True], 3, 299),
    "resnet18_ten_classes": (zoo.resnet18, dict(num_classes=10), 3, 64),
    "vgg11_ten_classes": (zoo.vgg11, dict(num_classes=10), 3, 224),
    "lenet_28": (LeNet, {}, 1, 28),
    "lenet_32": (LeNet, dict(channels=3, side=5), 3, 32),
    "resnet20_cifar": (CifarResNet, {}, 3, 32),
    "resnet56_cifar": (CifarResNet, dict(blocks=9), 3, 32),
}

# Those that are also written in every other way.
MANY_WAYS = ("resnet18", "squeezenet1_1", "densenet121", "mobilenet_v2_0.35", "lenet_28",
             "resnet20_cifar")


def make(name):
    constructor, arguments, channels, side = NETWORKS[name]
    torch.manual_seed(0)
    if constructor.__module__.startswith("torchvision"):
        arguments = dict(arguments, weights=None)
    network = constructor(**arguments).eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.normal_(module.bias, 0, 0.1)
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    return network, torch.randn(2, channels, side, side)


def save_safetensors(state, path):
    header, data, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in state.items():
        numbers = tensor.contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32" if tensor.is_floating_point() else "I64",
                        "shape": list(tensor.shape),
                        "data_offsets": [at, at + len(numbers)]}
        data.append(numbers)
        at += len(numbers)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(data))


def save_legacy(value, path):
    torch.save(value, path, _use_new_zipfile_serialization=False)


def views(state):
    """All tensors as views of one storage."""
    shared = torch.cat([torch.zeros(3)] + [tensor.float().flatten() for tensor in state.values()])
    result, at = {}, 3
    for name, tensor in state.items():
        result[name] = shared[at : at + tensor.numel()].view(tensor.shape)
        at += tensor.numel()
    return result


def write_in_many_ways(state, path):
    optimiser = {"state": {0: {"momentum": torch.zeros(7)}}, "param_groups": [{"lr": 0.1}]}
    wrapped = {"module." + name: tensor for name, tensor in state.items()}
    torch.save({"epoch": 3, "state_dict": wrapped, "best": np.float64(0.5),
                "optimizer": optimiser}, path)
    yield "checkpoint"
    save_legacy({"optimizer": optimiser, "model": state}, path)
    yield "legacy checkpoint"
    torch.save({name: nn.Parameter(tensor) if tensor.is_floating_point() else tensor
                for name, tensor in state.items()}, path)
    yield "parameters"
    torch.save({name: tensor.to(memory_format=torch.channels_last) if tensor.dim() == 4
                else tensor.double() for name, tensor in state.items()}, path)
    yield "strided, double"
    save_legacy(views(state), path)
    yield "views of one storage"
    if any("denselayer" in name for name in state):
        torch.save({re.sub(r"\.(norm|conv)([12])\.", r".\1.\2.", name): tensor
                    for name, tensor in state.items()}, path)
        yield "names of before 0.4"


def write(name, state, path):
    """Writes one file after the other to `path`, and says what each is."""
    torch.save(state, path)
    yield "zip"
    save_legacy(state, path)
    yield "legacy"
    save_safetensors(state, path)
    yield "safetensors"
    if name in MANY_WAYS:
        yield from write_in_many_ways(state, path)


def run(program, network, images, folder):
    result = os.path.join(folder, "out.npy")
    subprocess.run([program, network, images, result], check=True, stdout=subprocess.DEVNULL)
    return np.load(result).astype(np.float64)


def compare(program, name, folder):
    network, x = make(name)
    images, exported, path = (os.path.join(folder, file)
                              for file in ("in.npy", "network.onnx", "weights"))
    np.save(images, x.numpy())
    torch.onnx.export(network, x[:1], exported, input_names=["input"], output_names=["output"],
                      dynamic_axes={"input": {0: "n"}, "output": {0: "n"}}, opset_version=13)
    expected = run(program, exported, images, folder)
    worst = 0
    for kind in write(name, network.state_dict(), path):
        got = run(program, path, images, folder)
        error = np.inf
        if got.shape == expected.shape:
            difference = np.linalg.norm(got - expected, axis=1)
            error = max(difference / np.linalg.norm(expected, axis=1))
        worst = max(worst, error)
        print(f"{name:24} {expected.shape[1]:6} {kind:24} {error:.1e}"
              f"{'' if error <= LIMIT else '   above the limit'}", flush=True)
    return worst


def main():
    program, names = sys.argv[1], sys.argv[2:] or list(NETWORKS)
    failed = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            failed += compare(program, name, folder) > LIMIT
    print(f"{len(names) - failed} of {len(names)} networks agree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
