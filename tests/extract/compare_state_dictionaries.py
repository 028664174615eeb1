#!/usr/bin/env python3
"""Compares state dictionaries with the ONNX export of the same network: the vectors of each must be the same.

usage: compare_state_dictionaries.py RUN_NETWORK [NAME ...]     (needs Debian's python3-torchvision and python3-onnx)

For every architecture of torchvision that is known here, a network with seeded random weights is written as a zip, as
a pickle of before PyTorch 1.6, as safetensors and, where it makes a difference, with other names, types or strides of
its tensors; and as ONNX. Prints the largest relative error of the vectors (L2) per file; ends with 1 above 1e-5.
"""
import json, os, re, struct, subprocess, sys, tempfile, warnings
import numpy, torch, torchvision.models as zoo

warnings.filterwarnings("ignore")
BOUND = 1e-5
NO_AUX = dict(aux_logits=False, init_weights=False)
AUX = dict(aux_logits=True, init_weights=False)
NETWORKS = {  # name: (constructor, its arguments, size of the image)
    "alexnet": (zoo.alexnet, {}, 224),
    **{name: (getattr(zoo, name), {}, 224) for name in (
        "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn",
        "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
        "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2",
        "squeezenet1_0", "squeezenet1_1", "densenet121", "densenet161", "densenet169", "densenet201")},
    **{f"mobilenet_v2_{width}": (zoo.mobilenet_v2, dict(width_mult=width), 224) for width in (0.35, 0.5, 1.0, 1.4)},
    "googlenet": (zoo.googlenet, NO_AUX, 224),
    "googlenet_aux": (zoo.googlenet, AUX, 224),
    "inception_v3": (zoo.inception_v3, NO_AUX, 299),
    "inception_v3_aux": (zoo.inception_v3, AUX, 299),
    "resnet18_ten_classes": (zoo.resnet18, dict(num_classes=10), 64),
    "vgg11_ten_classes": (zoo.vgg11, dict(num_classes=10), 224),
}


def make(name):
    constructor, arguments, size = NETWORKS[name]
    torch.manual_seed(0)
    network = constructor(weights=None, **arguments)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.0)
            torch.nn.init.normal_(module.bias, 0, 0.1)
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    return network.eval(), size


def save_safetensors(state, path, dtype="F32", to=torch.float32):
    header, blobs, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in state.items():
        kind = dtype if tensor.is_floating_point() else "I64"
        tensor = tensor.to(to) if tensor.is_floating_point() else tensor
        blob = (tensor.view(torch.int16) if to == torch.bfloat16 and tensor.is_floating_point() else tensor).contiguous().numpy().tobytes()
        header[name] = dict(dtype=kind, shape=list(tensor.shape), data_offsets=[at, at + len(blob)])
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def legacy(value, path):
    torch.save(value, path, _use_new_zipfile_serialization=False)


def write_variants(network, state, folder):
    """Yields (what it is, path) for every way to write the state dictionary that gives the same vectors."""
    path = os.path.join(folder, "weights")
    torch.save(state, path)
    yield "zip", path
    legacy(state, path)
    yield "legacy", path
    save_safetensors(state, path)
    yield "safetensors", path
    torch.save({"epoch": 3, "state_dict": {"module." + name: tensor for name, tensor in state.items()},
                "best": numpy.float64(0.5), "optimizer": {"state": {0: {"momentum": torch.zeros(7)}}}}, path)
    yield "checkpoint", path
    legacy({"optimizer": {"state": {0: {"momentum": torch.zeros(7)}}}, "model": state}, path)
    yield "legacy checkpoint", path
    torch.save({name: torch.nn.Parameter(tensor) if tensor.is_floating_point() else tensor
                for name, tensor in state.items()}, path)
    yield "parameters", path
    torch.save({name: tensor.to(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor.double()
                for name, tensor in state.items()}, path)
    yield "strided, double", path
    shared = torch.cat([torch.zeros(3)] + [tensor.float().flatten() for tensor in state.values()])
    views, at = {}, 3
    for name, tensor in state.items():
        views[name] = shared[at:at + tensor.numel()].view(tensor.shape)
        at += tensor.numel()
    legacy(views, path)
    yield "views of one storage", path
    if any("denselayer" in name for name in state):
        torch.save({re.sub(r"\.(norm|conv)([12])\.", r".\1.\2.", name): tensor for name, tensor in state.items()}, path)
        yield "names of before 0.4", path


def run(tool, path, images, folder):
    out = os.path.join(folder, "out.npy")
    subprocess.run([tool, path, images, out], check=True, stdout=subprocess.DEVNULL)
    return numpy.load(out).astype(numpy.float64)


def compare(tool, name, folder):
    network, size = make(name)
    images, exported = os.path.join(folder, "in.npy"), os.path.join(folder, "network.onnx")
    x = torch.randn(2, 3, size, size)
    numpy.save(images, x.numpy())
    torch.onnx.export(network, x[:1], exported, input_names=["input"], output_names=["output"],
                      dynamic_axes={"input": {0: "n"}, "output": {0: "n"}}, opset_version=13)
    expected = run(tool, exported, images, folder)
    worst = 0
    for kind, path in write_variants(network, network.state_dict(), folder):
        got = run(tool, path, images, folder)
        error = numpy.inf
        if got.shape == expected.shape:
            error = max(numpy.linalg.norm(got - expected, axis=1) / numpy.linalg.norm(expected, axis=1))
        worst = max(worst, error)
        print(f"{name:24} {expected.shape[1]:6} {kind:24} {error:.1e}{'' if error <= BOUND else '   FAILED'}", flush=True)
    return worst


def main():
    tool, names = sys.argv[1], sys.argv[2:] or list(NETWORKS)
    failed = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            failed += compare(tool, name, folder) > BOUND
    print(f"{len(names) - failed} of {len(names)} networks agree")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
