#!/usr/bin/env python3
"""Writes the golden cases of Torch7's reader for test_operators.c into golden-torch7/.

usage: make_torch7_cases.py [NAME ...]

Not part of the tests: run by hand when a case is added. python3-torch and python3-numpy come from
the distribution.

Every case is a small network NAME.t7, in which the module whose result is asked for has the name
"result". NAME.out.npy holds what PyTorch, in double precision, makes of the images, float32
[n][numbers of "result"]. The images are not stored: seeded_images() gives them, as in
make_operator_cases.py. Weights are seeded by the case's name.

The files are written here as torch.save writes them: File.lua, Tensor.lua and the modules of
torch/nn.
"""

import os
import struct
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F

from make_mxnet_cases import FREE_SIZE, IMAGES, lrn, seeded_images

HERE = os.path.dirname(os.path.abspath(__file__))
OUTPUT = os.path.join(HERE, "golden-torch7")
KINDS = {"Float": "<f4", "Double": "<f8", "Cuda": "<f4", "CudaHalf": "<f2"}

CASES = {}


# The file ---------------------------------------------------------------------------------------


class Object:
    """An object of a class, its fields as Lua's."""

    def __init__(self, kind, fields):
        self.kind, self.fields = kind, fields


class Tensor:
    """`layout`: how it lies in its storage: "plain"; "offset", behind numbers that are not its;
    "turned", with the first dimension fastest."""

    def __init__(self, array, kind="Float", layout="plain"):
        self.kind, self.layout = kind, layout
        self.stored = np.ascontiguousarray(array, KINDS[kind])

    def values(self):
        return torch.from_numpy(self.stored.astype(np.float64))


class Sizes(list):
    """A torch.LongStorage."""


class Function:
    """A closure and what it has captured."""

    def __init__(self, captured):
        self.captured = captured


class Writer:
    def __init__(self, long="q", version=True):
        self.out, self.indices, self.keep = b"", {}, []
        self.long, self.version = long, version

    def integer(self, value):
        self.out += struct.pack("<i", value)

    def longs(self, *values):
        self.out += struct.pack(f"<{len(values)}{self.long}", *values)

    def text(self, value):
        self.integer(len(value))
        self.out += value.encode()

    def begin(self, kind, value):
        """The type and the index; False when the value was written before."""
        self.integer(kind)
        known = id(value) in self.indices
        self.indices.setdefault(id(value), len(self.indices) + 1)
        self.keep.append(value)
        self.integer(self.indices[id(value)])
        return not known

    def class_name(self, name):
        if self.version:
            self.text("V 1")
        self.text(name)

    def tensor(self, value):
        self.class_name(f"torch.{value.kind}Tensor")
        shape = value.stored.shape
        strides = [stride // value.stored.itemsize for stride in value.stored.strides]
        data, offset = value.stored.ravel(), 1
        if value.layout == "turned":
            strides = [int(np.prod(shape[:axis])) for axis in range(len(shape))]
            data = value.stored.ravel(order="F")
        if value.layout == "offset":
            data, offset = np.concatenate([np.full(3, 99, data.dtype), data, data[:2]]), 4
        self.integer(len(shape))
        self.longs(*shape, *strides, offset)
        self.begin(4, data)
        self.class_name(f"torch.{value.kind}Storage")
        self.longs(len(data))
        self.out += data.tobytes()

    def table(self, pairs):
        self.integer(len(pairs))
        for key, value in pairs.items():
            self.value(key)
            self.value(value)

    def value(self, value):
        if value is None:
            self.integer(0)
        elif isinstance(value, bool):
            self.integer(5)
            self.integer(int(value))
        elif isinstance(value, (int, float)):
            self.integer(1)
            self.out += struct.pack("<d", value)
        elif isinstance(value, str):
            self.integer(2)
            self.text(value)
        elif isinstance(value, Sizes):
            if self.begin(4, value):
                self.class_name("torch.LongStorage")
                self.longs(len(value), *value)
        elif isinstance(value, list):
            if self.begin(3, value):
                self.table(dict(enumerate(value, 1)))
        elif isinstance(value, dict):
            if self.begin(3, value):
                self.table(value)
        elif isinstance(value, Tensor):
            if self.begin(4, value):
                self.tensor(value)
        elif isinstance(value, Function):
            if self.begin(8, value):
                self.text("no bytecode")
                self.value(value.captured)
        elif self.begin(4, value):
            self.class_name(value.kind)
            self.value(value.fields)


# Modules ----------------------------------------------------------------------------------------


class Module(Object):
    """With what PyTorch makes of its input: a tensor, or a list of them."""

    def __init__(self, kind, forward, **fields):
        super().__init__(kind if "." in kind else "nn." + kind, {"train": False, **fields})
        self.forward = forward


def sequential(*modules):
    def forward(x):
        for module in modules:
            x = module.forward(x)
        return x

    return Module("Sequential", forward, modules=list(modules))


def convolution(random, inputs, outputs, kernel, stride=(1, 1), pad=(0, 0), dilation=(1, 1),
                groups=1, bias=True, kind="SpatialConvolution", number="Float", layout="plain",
                form="map", **more):
    """`form` of the weights: "map"; "matrix", for products; "groups", with these first."""
    shape = (outputs, inputs // groups, *kernel)
    values = random.standard_normal(shape) * 0.5
    if form == "matrix":
        weights = Tensor(values.reshape(outputs, -1), number, layout)
    elif form == "groups":
        weights = Tensor(values.reshape(groups, outputs // groups, *shape[1:]), number, layout)
    else:
        weights = Tensor(values, number, layout)
    biases = Tensor(random.standard_normal(outputs), number) if bias else None
    fields = dict(nInputPlane=inputs, nOutputPlane=outputs, kH=kernel[0], kW=kernel[1],
                  dH=stride[0], dW=stride[1], weight=weights, **more)
    if pad != (0, 0):
        fields |= {"padding": pad[0]} if form == "matrix" else {"padH": pad[0], "padW": pad[1]}
    if dilation != (1, 1):
        fields |= {"dilationH": dilation[0], "dilationW": dilation[1]}
    if groups > 1:
        fields["groups"] = groups
    if bias:
        fields["bias"] = biases
    return Module(kind, lambda x: F.conv2d(x, weights.values().reshape(shape),
                                           biases.values() if bias else None, stride, pad,
                                           dilation, groups), **fields)


def linear(random, inputs, outputs, bias=True, number="Float", layout="plain"):
    weights = Tensor(random.standard_normal((outputs, inputs)) * 0.3, number, layout)
    biases = Tensor(random.standard_normal(outputs), number) if bias else None
    return Module("Linear", lambda x: F.linear(x, weights.values(),
                                               biases.values() if bias else None),
                  weight=weights, **({"bias": biases} if bias else {}))


def view(*sizes, kind="View"):
    return Module(kind, lambda x: x.reshape(IMAGES, *[s for i, s in enumerate(sizes)
                                                      if i > 0 or s != -1 or len(sizes) == 1]),
                  size=Sizes(sizes), numElements=0)


def pool(kind, kernel, stride=(1, 1), pad=(0, 0), ceil=False, module=None, **more):
    def forward(x):
        if kind == "Max":
            return F.max_pool2d(x, kernel, stride, pad, ceil_mode=ceil)
        include = more.get("count_include_pad", "EXCLUDE" not in more.get("mode", ""))
        return F.avg_pool2d(x, kernel, stride, pad, ceil_mode=ceil, count_include_pad=include)

    fields = {"kH": kernel[0], "kW": kernel[1], "dH": stride[0], "dW": stride[1], **more}
    if pad != (0, 0):
        fields |= {"padH": pad[0], "padW": pad[1]}
    if ceil and not (module or "").startswith("inn."):
        fields["ceil_mode"] = True
    return Module(module or f"Spatial{kind}Pooling", forward, **fields)


def batch_norm(random, channels, old=False, affine=True, eps=1e-3, kind=None):
    mean, variance = random.standard_normal(channels), random.standard_normal(channels) ** 2 + 0.1
    fields = {"running_mean": Tensor(mean), "eps": eps}
    if old:
        fields["running_std"] = Tensor(1 / np.sqrt(variance + eps))
        variance = 1 / fields["running_std"].values().numpy() ** 2 - eps
    else:
        fields["running_var"] = Tensor(variance)
        variance = fields["running_var"].values().numpy()
    if affine:
        fields |= {"weight": Tensor(random.standard_normal(channels) + 1),
                   "bias": Tensor(random.standard_normal(channels))}
    return Module(kind or "SpatialBatchNormalization", lambda x: F.batch_norm(
        x, fields["running_mean"].values(), torch.from_numpy(variance),
        fields["weight"].values() if affine else None,
        fields["bias"].values() if affine else None, eps=eps), **fields)


def branches(kind, *modules, join=None, **fields):
    """`join`: what becomes of the list of results."""
    return Module(kind, lambda x: (join or list)([module.forward(x) for module in modules]),
                  modules=list(modules), **fields)


def table(kind, function, **fields):
    return Module(kind, lambda xs: function(xs), **fields)


def depth_join(results):
    height, width = max(r.shape[2] for r in results), max(r.shape[3] for r in results)
    padded = []
    for result in results:
        rows, columns = height - result.shape[2], width - result.shape[3]
        padded.append(F.pad(result, (columns // 2, columns - columns // 2, rows // 2,
                                     rows - rows // 2)))
    return torch.cat(padded, 1)


def simple(kind, function, **fields):
    return Module(kind, function, **fields)


def join(xs):
    return torch.cat(xs, 1)


# Cases ------------------------------------------------------------------------------------------


def case(name, build, channels=3, size=FREE_SIZE, wrap=lambda network: network, **writer):
    """`build` takes a random generator and gives a list of modules; the last is the result."""
    assert name not in CASES, name
    CASES[name] = (build, channels, size, wrap, writer)


def keep(channels):
    """A convolution that changes nothing: it says how many channels the network takes."""
    weights = Tensor(np.eye(channels).reshape(channels, channels, 1, 1))
    return Module("SpatialConvolution", lambda x: x, nInputPlane=channels, nOutputPlane=channels,
                  kH=1, kW=1, dH=1, dW=1, padH=0, padW=0, weight=weights)


def plain(name, *modules, **settings):
    """Modules without weights of their own, behind a convolution that keeps the images."""
    case(name, lambda random: [keep(3), *modules], **settings)


case("convolution", lambda r: [convolution(r, 3, 5, (3, 2), (2, 1), (1, 2))])
case("convolution_double", lambda r: [convolution(r, 3, 4, (3, 3), number="Double")])
case("convolution_cuda", lambda r: [convolution(r, 3, 4, (3, 3), number="Cuda", bias=False)])
case("convolution_half", lambda r: [convolution(r, 3, 4, (3, 3), number="CudaHalf")])
case("convolution_mm", lambda r: [convolution(r, 3, 4, (3, 2), pad=(1, 1), form="matrix",
                                              kind="SpatialConvolutionMM")])
case("convolution_cudnn", lambda r: [convolution(r, 3, 6, (1, 1)), convolution(
    r, 6, 4, (3, 3), groups=2, form="groups", kind="cudnn.SpatialConvolution")])
case("convolution_dilated", lambda r: [convolution(r, 3, 3, (3, 2), dilation=(2, 3),
                                                   kind="SpatialDilatedConvolution")])
case("convolution_turned", lambda r: [convolution(r, 3, 4, (3, 2), layout="turned")])
case("convolution_offset", lambda r: [convolution(r, 3, 4, (3, 2), layout="offset")])
case("linear", lambda r: [convolution(r, 3, 2, (3, 3)), view(-1), linear(r, 40, 5)])
case("linear_double", lambda r: [keep(3), view(126, kind="Reshape"),
                                 linear(r, 126, 5, False, "Double", "turned")])
case("linear_batch", lambda r: [keep(3), view(-1, 126), linear(r, 126, 5)])
case("view_map", lambda r: [keep(3), view(6, -1, 7)])
case("usual_side", lambda r: [convolution(r, 3, 2, (5, 5), (4, 4)), view(72), linear(r, 72, 4)],
     size=(28, 28))
plain("max_pool", pool("Max", (3, 2), (2, 2)))
plain("max_pool_ceil", pool("Max", (2, 3), (3, 2), ceil=True))
plain("max_pool_padded", pool("Max", (3, 3), (2, 2), (1, 1), True, "cudnn.SpatialMaxPooling"))
plain("max_pool_inn", pool("Max", (2, 3), (3, 2), ceil=True, module="inn.SpatialMaxPooling"))
plain("average_pool", pool("Average", (3, 3), (2, 2), (1, 1)))
plain("average_pool_ceil", pool("Average", (3, 3), (3, 2), (1, 1), True))
plain("average_pool_excluded", pool("Average", (3, 3), (2, 2), (1, 1), count_include_pad=False))
plain("average_pool_cudnn", pool("Average", (3, 3), (2, 2), (1, 1),
                                 module="cudnn.SpatialAveragePooling",
                                 mode="CUDNN_POOLING_AVERAGE_COUNT_EXCLUDE_PADDING"))
plain("adaptive_average", simple("SpatialAdaptiveAveragePooling",
                                 lambda x: x.mean((2, 3), keepdim=True), H=1, W=1))
plain("adaptive_max_squeeze", simple("SpatialAdaptiveMaxPooling",
                                     lambda x: x.amax((2, 3), keepdim=True), H=1, W=1),
      simple("Squeeze", lambda x: x.reshape(IMAGES, -1)))
case("batch_norm", lambda r: [keep(3), batch_norm(r, 3)])
case("batch_norm_plain", lambda r: [keep(3), batch_norm(r, 3, affine=False)])
case("batch_norm_old", lambda r: [keep(3), batch_norm(r, 3, old=True)])
case("batch_norm_cudnn", lambda r: [convolution(r, 3, 4, (3, 3)), view(-1),
                                    batch_norm(r, 80, kind="cudnn.BatchNormalization")])
plain("relu", simple("ReLU", F.relu, threshold=0, val=0))
plain("relu_cudnn", simple("cudnn.ReLU", F.relu, mode="CUDNN_ACTIVATION_RELU"))
plain("relu6", simple("MulConstant", lambda x: 5 * x, constant_scalar=5),
      simple("ReLU6", F.relu6))
plain("threshold", simple("Threshold", lambda x: x.clamp(min=1e-6), threshold=0, val=1e-6))
plain("threshold_up", simple("Threshold", lambda x: x.clamp(min=0.5), threshold=0.5, val=0.5))
plain("leaky", simple("LeakyReLU", lambda x: F.leaky_relu(x, 0.2), negval=0.2))
plain("rrelu", simple("RReLU", lambda x: F.leaky_relu(x, 0.2), lower=0.1, upper=0.3))
plain("elu", simple("ELU", lambda x: F.elu(x, 0.5), alpha=0.5))
plain("hard_tanh", simple("HardTanh", lambda x: x.clamp(-0.5, 1.5), min_val=-0.5, max_val=1.5))
plain("sigmoid", simple("Sigmoid", torch.sigmoid))
plain("tanh_cudnn", simple("cudnn.Tanh", torch.tanh, mode="CUDNN_ACTIVATION_TANH"))
plain("prelu", simple("PReLU", lambda x: F.prelu(x, torch.tensor([0.25, -0.5, 0.125]).double()),
                      nOutputPlane=3, weight=Tensor([0.25, -0.5, 0.125])))
plain("prelu_single", simple("PReLU", lambda x: F.leaky_relu(x, 0.125), nOutputPlane=0,
                             weight=Tensor([0.125])))
plain("constants", simple("MulConstant", lambda x: x * -2, constant_scalar=-2),
      simple("AddConstant", lambda x: x + 3, constant_scalar=3))
plain("dropout", simple("Dropout", lambda x: x, p=0.4, v2=True))
plain("dropout_old", simple("Dropout", lambda x: x * 0.6, p=0.4))
plain("dropout_spatial", simple("SpatialDropout", lambda x: x * 0.75, p=0.25))
plain("soft_max", simple("cudnn.SpatialSoftMax", lambda x: x.softmax(1)))
case("lrn", lambda r: [convolution(r, 3, 7, (1, 1)), simple(
    "SpatialCrossMapLRN", lambda x: lrn(x, 5, 0.5, 0.75, 2), size=5, alpha=0.5, beta=0.75, k=2)])
case("lrn_cudnn", lambda r: [convolution(r, 3, 7, (1, 1)), simple(
    "cudnn.SpatialCrossMapLRN", lambda x: lrn(x, 3, 0.5, 0.5, 2), size=3, alpha=0.5, beta=0.5,
    K=2)])
plain("zero_padding", simple("SpatialZeroPadding", lambda x: F.pad(x, (1, 2, 0, 3)), pad_l=1,
                             pad_r=2, pad_t=0, pad_b=3))
plain("zero_padding_cut", simple("SpatialZeroPadding", lambda x: F.pad(x, (-1, 2, 3, -2)),
                                 pad_l=-1, pad_r=2, pad_t=3, pad_b=-2))
plain("reflection_padding", simple("SpatialReflectionPadding",
                                   lambda x: F.pad(x, (1, 2, 0, 3), "reflect"), pad_l=1, pad_r=2,
                                   pad_t=0, pad_b=3))
plain("replication_padding", simple("SpatialReplicationPadding",
                                    lambda x: F.pad(x, (1, 2, 0, 3), "replicate"), pad_l=1,
                                    pad_r=2, pad_t=0, pad_b=3))
plain("padding_channels", simple("Padding", lambda x: F.pad(x, (0, 0, 0, 0, 0, 2), value=0.5),
                                 dim=1, pad=2, nInputDim=3, value=0.5))
plain("padding_before", simple("Padding", lambda x: F.pad(x, (0, 0, 2, 0)), dim=3, pad=-2))
case("concat", lambda r: [branches("Concat", convolution(r, 3, 2, (1, 1)), sequential(
    convolution(r, 3, 4, (3, 3), pad=(1, 1)), simple("ReLU", F.relu)), join=join, dimension=2)])
case("concat_single_image", lambda r: [branches("Concat", keep(3), convolution(r, 3, 2, (1, 1)),
                                                join=join, dimension=1)])
case("depth_concat", lambda r: [branches("DepthConcat", keep(3), convolution(r, 3, 2, (3, 3)),
                                         convolution(r, 3, 2, (2, 4)), join=depth_join,
                                         dimension=2)])
case("residual", lambda r: [branches("ConcatTable", convolution(r, 3, 3, (3, 3), pad=(1, 1)),
                                     Module("Identity", lambda x: x)),
                            table("CAddTable", sum, inplace=True)])
case("branches_join", lambda r: [branches("ConcatTable", keep(3), convolution(r, 3, 2, (1, 1))),
                                 table("JoinTable", join, dimension=1, nInputDims=3)])
case("branches_join_batch", lambda r: [branches("ConcatTable", keep(3), keep(3)),
                                       table("JoinTable", lambda xs: torch.cat(xs, 3),
                                             dimension=4)])
case("excitation", lambda r: [branches("ConcatTable", keep(3), sequential(
    simple("SpatialAdaptiveAveragePooling", lambda x: x.mean((2, 3), keepdim=True), H=1, W=1),
    convolution(r, 3, 3, (1, 1)), simple("Sigmoid", torch.sigmoid))),
    table("CMulTable", lambda xs: xs[0] * xs[1])])
case("parallel", lambda r: [branches("ConcatTable", keep(3), keep(3), keep(3)),
                            Module("FlattenTable", lambda xs: xs),
                            (lambda a, b, c: Module(
                                "ParallelTable", lambda xs: [a.forward(xs[0]), b.forward(xs[1]),
                                                             c.forward(xs[2])],
                                modules=[a, b, c]))(convolution(r, 3, 4, (1, 1)),
                                                    convolution(r, 3, 4, (1, 1)), keep(3)),
                            branches("ConcatTable", table("SelectTable", lambda xs: xs[0],
                                                          index=1),
                                     table("SelectTable", lambda xs: xs[1], index=-2)),
                            table("CSubTable", lambda xs: xs[0] - xs[1])])


def shared(random):
    """One module twice, and fields that lead back to where they come from."""
    module = convolution(random, 3, 3, (3, 3), pad=(1, 1))
    module.fields["owner"] = module
    module.fields["closure"] = Function({"self": module.fields, "other": Function([])})
    return [module, simple("Tanh", torch.tanh), module, simple("Contiguous", lambda x: x)]


case("shared", shared)
case("data_parallel", lambda r: [(lambda network: Module(
    "DataParallelTable", network.forward, modules=[network, network],
    impl=Function({})))(sequential(convolution(r, 3, 4, (3, 3))))])
case("long_of_four_bytes", lambda r: [convolution(r, 3, 4, (3, 3)), view(80), linear(r, 80, 3)],
     long="i")
case("without_version", lambda r: [convolution(r, 3, 4, (3, 3))], version=False)
case("checkpoint", lambda r: [convolution(r, 3, 4, (3, 3))],
     wrap=lambda network: {"epoch": 3, "options": {"rate": 0.1}, "model": network})
case("grey", lambda r: [convolution(r, 1, 4, (3, 3))], channels=1)

if __name__ == "__main__":
    os.makedirs(OUTPUT, exist_ok=True)
    for name in sys.argv[1:] or CASES:
        build, channels, size, wrap, settings = CASES[name]
        modules = build(np.random.default_rng(zlib.crc32(name.encode())))
        network = sequential(*modules)
        images = torch.from_numpy(seeded_images(IMAGES, channels, *size).astype(np.float64))
        result = network.forward(images)
        modules[-1].fields["name"] = "result"
        writer = Writer(**settings)
        writer.value(wrap(network))
        path = os.path.join(OUTPUT, name)
        with open(path + ".t7", "wb") as file:
            file.write(writer.out)
        np.save(path + ".out.npy", result.reshape(IMAGES, -1).numpy().astype(np.float32))
