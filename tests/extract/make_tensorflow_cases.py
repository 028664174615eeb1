#!/usr/bin/env python3
"""Writes the golden cases of test_operators.c into golden-tensorflow/.

usage: TENSORFLOWJS=FOLDER make_tensorflow_cases.py [NAME ...]

Not part of the tests: run by hand when a case is added. FOLDER is where `npm install
@tensorflow/tfjs` was run; python3-numpy comes from the distribution.

Every case is a small frozen graph NAME.pb with one image and a last node "result". NAME.out.npy
holds what TensorFlow.js makes of the images, float32 [n][numbers of "result"]. The images are not
stored: seeded_images() gives them, here and in tests/helpers.c, of the size that the file says, or
FREE_SIZE. Weights are seeded by the case's name.

TensorFlow.js runs on the CPU what counts channels last. A graph that counts them first, and
operators that it does not have, are run as others that must give the same: what a node is in the
reference can differ from what it is in the file.
"""

import base64
import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
OUTPUT = os.path.join(HERE, "golden-tensorflow")
FREE_SIZE = (7, 6)
TYPES = {"float": 1, "double": 2, "int32": 3, "uint8": 4, "string": 7, "int64": 9, "bool": 10,
         "half": 19}
TYPE_NAMES = {np.dtype(np.float32): "float", np.dtype(np.float64): "double",
              np.dtype(np.int32): "int32", np.dtype(np.int64): "int64",
              np.dtype(np.float16): "half"}

CASES = {}


# Protocol buffers -------------------------------------------------------------------------------


def varint(value):
    value &= 2**64 - 1
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def message(field, content):
    return varint(field << 3 | 2) + varint(len(content)) + content


def encode_shape(shape):
    return b"".join(message(2, number(1, size)) for size in shape)


def encode_list(array):
    """The numbers by type, one by one; those that repeat the last are left out."""
    values = list(array.ravel())
    while len(values) > 1 and values[-1] == values[-2]:
        values.pop()
    if array.dtype == np.float32:
        return message(5, b"".join(struct.pack("<f", value) for value in values))
    if array.dtype == np.float64:
        return b"".join(varint(6 << 3 | 1) + struct.pack("<d", value) for value in values)
    if array.dtype == np.float16:
        return message(13, b"".join(varint(int(value.view(np.uint16))) for value in values))
    field = 7 if array.dtype == np.int32 else 10
    return b"".join(number(field, int(value)) for value in values)


def encode_tensor(array, typed):
    content = encode_list(array) if typed else message(4, array.tobytes())
    return (number(1, TYPES[TYPE_NAMES[array.dtype]]) + message(2, encode_shape(array.shape)) +
            content)


class Type(str):
    """A data type as an attribute."""


class Shape(list):
    """A shape as an attribute; None is one of any rank."""


def encode_attribute(value):
    if isinstance(value, Type):
        return number(6, TYPES[value])
    if isinstance(value, Shape):
        return message(7, encode_shape(value))
    if isinstance(value, str):
        return message(2, value.encode())
    if isinstance(value, bool):
        return number(5, value)
    if isinstance(value, int):
        return number(3, value)
    if isinstance(value, float):
        return varint(4 << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, list):
        return message(1, message(3, b"".join(varint(item) for item in value)))
    raise TypeError(value)


def encode_node(name, operator, inputs, attributes):
    """`attributes`: encoded already."""
    return message(1, message(1, name.encode()) + message(2, operator.encode()) +
                   b"".join(message(3, value.encode()) for value in inputs) +
                   b"".join(message(5, message(1, key.encode()) + message(2, value))
                            for key, value in attributes.items()))


# The same as JSON -------------------------------------------------------------------------------


def json_attribute(value):
    if isinstance(value, Type):
        return {"type": f"DT_{value.upper()}"}
    if isinstance(value, Shape):
        return {"shape": {"dim": [{"size": str(size)} for size in value]}}
    if isinstance(value, str):
        return {"s": base64.b64encode(value.encode()).decode()}
    if isinstance(value, bool):
        return {"b": value}
    if isinstance(value, int):
        return {"i": str(value)}
    if isinstance(value, float):
        return {"f": value}
    return {"list": {"i": [str(item) for item in value]}}


# What a case is made of -------------------------------------------------------------------------


class Graph:
    """A graph in the making, as it is in the file and as the reference runs it."""

    def __init__(self, name, settings):
        self.random = np.random.default_rng(zlib.crc32(name.encode()))
        self.first, self.typed = settings["first"], settings["typed"]
        self.file, self.reference, self.constants = [], [], {}
        self.count = 0

    def new_name(self, stem):
        self.count += 1
        return f"{stem.lower()}{self.count}"

    def constant(self, value, reference=None):
        """`value` is an array or a function of the random generator; `reference` what the
        reference takes instead."""
        array = np.asarray(value(self.random) if callable(value) else value)
        name = self.new_name("const")
        self.file.append((name, "Const", [], {
            "dtype": encode_attribute(Type(TYPE_NAMES[array.dtype])),
            "value": message(8, encode_tensor(array, self.typed))}))
        other = array if reference is None else np.asarray(reference)
        kind = np.float32 if other.dtype.kind == "f" else np.int32
        self.constants[name] = other.astype(kind)
        self.reference.append((name, "Const", [], {
            "dtype": {"type": "DT_FLOAT" if kind is np.float32 else "DT_INT32"}}))
        return name

    def names(self, inputs):
        return [value if isinstance(value, str) else self.constant(value) for value in inputs]

    def node(self, operator, *inputs, name=None, instead=None, **attributes):
        """Inputs are names or constants. `instead`: (operator, inputs, attributes) of the
        reference, None in it for what is the same; "" for a node that the reference lacks."""
        name = name or self.new_name(operator)
        inputs = self.names(inputs)
        self.file.append((name, operator, inputs, {key: encode_attribute(value)
                                                   for key, value in attributes.items()}))
        if instead != "":
            other = instead or (None, None, None)
            self.add_reference(name, other[0] or operator, other[1] or inputs,
                               attributes if other[2] is None else other[2])
        return name

    def add_reference(self, name, operator, inputs, attributes):
        """A node of the reference alone."""
        self.reference.append((name, operator, self.names(inputs), {
            key: json_attribute(value) for key, value in attributes.items()}))
        return name

    # The reference always counts channels last; these say it for the file.

    def format(self):
        return "NCHW" if self.first else "NHWC"

    def sizes(self, height, width):
        return [1, 1, height, width] if self.first else [1, height, width, 1]

    def axes(self, *axes):
        """The file's numbers of axes of (n, height, width, channels)."""
        return [[0, 2, 3, 1][axis] for axis in axes] if self.first else list(axes)


def case(name, shape, *steps, images=2, batch=-1, size="fixed", first=False, typed=False,
         begin=None, shuffled=False, turned=None, last="Identity"):
    """`shape`: channels, height, width of an image. `steps`: functions of (graph, tensor) that
    append nodes and give the tensor that goes on. `batch`: what the file says. `first`: the file
    counts channels first. `typed`: constants as lists of numbers. `begin`: puts the beginning of
    the file's graph and gives the tensor that the network is fed with. `shuffled`: nodes in an
    order of their own. `turned`: the reference's result is a map, the file's counts its axes so."""
    assert name not in CASES, name
    CASES[name] = dict(shape=shape, steps=steps, images=images, batch=batch, size=size,
                       first=first, typed=typed, begin=begin, shuffled=shuffled, turned=turned,
                       last=last)


def seeded_images(*shape):
    """Numbers in [-2, 2) by position: the finaliser of a hash function (Wellons 2018, lowbias32)
    over the index."""
    hash = np.arange(np.prod(shape), dtype=np.uint32)
    hash ^= hash >> np.uint32(16)
    hash *= np.uint32(0x7feb352d)
    hash ^= hash >> np.uint32(15)
    hash *= np.uint32(0x846ca68b)
    hash ^= hash >> np.uint32(16)
    values = (hash >> np.uint32(8)).astype(np.float64) / 2**22 - 2
    return values.astype(np.float32).reshape(shape)


def begin_with_placeholder(graph, settings):
    channels, height, width = settings["shape"]
    if settings["size"] == "free":
        height = width = -1
    shape = ([settings["batch"], channels, height, width] if settings["first"]
             else [settings["batch"], height, width, channels])
    return graph.node("Placeholder", name="input", instead="", dtype=Type("float"),
                      shape=Shape(shape))


def build(name, settings):
    graph = Graph(name, settings)
    begin = settings["begin"] or begin_with_placeholder
    tensor = begin(graph, settings)
    channels, height, width = settings["shape"]
    graph.add_reference(tensor, "Placeholder", [], {
        "dtype": Type("float"), "shape": Shape([-1, height, width, channels])})
    for step in settings["steps"]:
        tensor = step(graph, tensor)
    graph.node(settings["last"], tensor, name="result")
    if settings["shuffled"]:
        graph.random.shuffle(graph.file)
    return graph


# Running the reference --------------------------------------------------------------------------


def add_job(folder, name, settings, graph):
    stem = os.path.join(folder, name)
    images = seeded_images(settings["images"], *settings["shape"]).transpose(0, 2, 3, 1).copy()
    images.tofile(stem + ".in")
    with open(stem + ".weights", "wb") as file:
        for array in graph.constants.values():
            file.write(array.tobytes())
    specs = [dict(name=key, shape=list(array.shape),
                  dtype="float32" if array.dtype == np.float32 else "int32")
             for key, array in graph.constants.items()]
    nodes = [dict(name=node, op=operator, input=inputs, attr=attributes)
             for node, operator, inputs, attributes in graph.reference]
    feed = next(node["name"] for node in nodes if node["op"] == "Placeholder")
    return dict(name=name, graph=dict(node=nodes, versions=dict(producer=27)),
                weights=stem + ".weights", specs=specs, input=stem + ".in",
                shape=list(images.shape), feed=feed, output="result", result=stem + ".out")


def write(names):
    os.makedirs(OUTPUT, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        graphs = {name: build(name, CASES[name]) for name in names}
        jobs = [add_job(folder, name, CASES[name], graphs[name]) for name in names]
        path = os.path.join(folder, "jobs.json")
        with open(path, "w") as file:
            json.dump(jobs, file)
        environment = dict(os.environ,
                           NODE_PATH=os.path.join(os.environ["TENSORFLOWJS"], "node_modules"))
        printed = subprocess.run(["node", os.path.join(HERE, "run_tensorflow.js"), path],
                                 env=environment, check=True, stdout=subprocess.PIPE).stdout
        shapes = json.loads(printed.splitlines()[-1])
        for job, shape in zip(jobs, shapes):
            write_case(job["name"], graphs[job["name"]],
                       np.fromfile(job["result"], np.float32).reshape(shape))


def write_case(name, graph, result):
    settings = CASES[name]
    if settings["turned"]:
        result = result.transpose(settings["turned"])
    rows = result.reshape(settings["images"], -1)
    assert np.isfinite(rows).all() and np.linalg.norm(rows) > 0, name
    np.save(os.path.join(OUTPUT, name + ".out.npy"), rows)
    with open(os.path.join(OUTPUT, name + ".pb"), "wb") as file:
        for node in graph.file:
            file.write(encode_node(*node))
        file.write(message(4, number(1, 27)))


# Constants --------------------------------------------------------------------------------------


def normal(*shape, scale=1.0):
    return lambda random: (random.standard_normal(shape) * scale).astype(np.float32)


def uniform(low, high, *shape):
    return lambda random: random.uniform(low, high, shape).astype(np.float32)


def scalar(value):
    return np.array(value, np.float32)


def integers(*values):
    return np.array(values, np.int32)


def integer(value):
    return np.array(value, np.int32)


# Steps ------------------------------------------------------------------------------------------


def op(operator, *constants, **attributes):
    """One node with the tensor as its first input."""
    return lambda graph, x: graph.node(operator, x, *constants, **attributes)


def op_last(operator, *constants, **attributes):
    """One node with the tensor as its last input."""
    return lambda graph, x: graph.node(operator, *constants, x, **attributes)


def twice(operator, **attributes):
    return lambda graph, x: graph.node(operator, x, x, **attributes)


def chain(*steps):
    def step(graph, x):
        for inner in steps:
            x = inner(graph, x)
        return x
    return step


def branches(join, *ways):
    """Each way is a list of steps from the same tensor."""
    def step(graph, x):
        return join(graph, [chain(*way)(graph, x) for way in ways])
    return step


def joined(operator, **attributes):
    return lambda graph, tensors: graph.node(operator, *tensors, **attributes)


def concat(graph, tensors):
    axis = graph.constant(integer(graph.axes(3)[0]), reference=integer(3))
    return graph.node("ConcatV2", *tensors, axis, N=len(tensors))


def pair(value):
    return list(value) if isinstance(value, tuple) else [value, value]


def window(graph, attributes, **sizes):
    """Attributes of a convolution or pooling, for the file and for the reference."""
    file, reference = dict(attributes), dict(attributes)
    for key, size in sizes.items():
        if size is not None:
            file[key] = graph.sizes(*pair(size))
            reference[key] = [1, *pair(size), 1]
    file["data_format"], reference["data_format"] = graph.format(), "NHWC"
    reference.setdefault("dilations", [1, 1, 1, 1])
    if "explicit_paddings" in attributes:
        top, bottom, left, right = attributes["explicit_paddings"]
        around = [0, 0, top, bottom, left, right, 0, 0]
        reference["explicit_paddings"] = around
        file["explicit_paddings"] = around[:2] + around[6:] + around[2:6] if graph.first else around
    return file, reference


def conv(inputs, outputs, kernel, strides=1, padding="SAME", dilations=None, wrap=lambda w: w,
         **attributes):
    height, width = pair(kernel)

    def step(graph, x):
        weights = wrap(normal(height, width, inputs, outputs,
                              scale=1 / np.sqrt(height * width * inputs)))
        file, reference = window(graph, dict(attributes, padding=padding), strides=strides,
                                 dilations=dilations)
        return graph.node("Conv2D", x, weights, instead=(None, None, reference), **file)
    return step


def grouped_conv(groups, inputs, outputs, kernel, **attributes):
    """The reference splits, convolves, and joins."""
    def step(graph, x):
        weights = normal(kernel, kernel, inputs // groups, outputs, scale=0.3)(graph.random)
        file, reference = window(graph, dict(attributes, padding="SAME"), strides=1)
        result = graph.node("Conv2D", x, weights, instead="", **file)
        parts = graph.add_reference(result + "s", "Split", [integer(3), x],
                                    dict(num_split=groups))
        each = [graph.add_reference(f"{result}p{i}", "Conv2D",
                                    [f"{parts}:{i}" if i else parts, part], reference)
                for i, part in enumerate(np.split(weights, groups, axis=3))]
        return graph.add_reference(result, "ConcatV2", [*each, integer(3)], dict(N=groups))
    return step


def depthwise(channels, multiplier, kernel, strides=1, padding="SAME", dilations=None,
              **attributes):
    height, width = pair(kernel)

    def step(graph, x):
        weights = normal(height, width, channels, multiplier, scale=1 / np.sqrt(height * width))
        file, reference = window(graph, dict(attributes, padding=padding), strides=strides,
                                 dilations=dilations)
        return graph.node("DepthwiseConv2dNative", x, weights, instead=(None, None, reference),
                          **file)
    return step


def pool(operator, kernel, strides=1, padding="SAME"):
    def step(graph, x):
        file, reference = window(graph, dict(padding=padding), ksize=kernel, strides=strides)
        return graph.node(operator, x, instead=(None, None, reference), **file)
    return step


def pool_by_inputs(kernel, strides, padding):
    def step(graph, x):
        _, reference = window(graph, dict(padding=padding), ksize=kernel, strides=strides)
        return graph.node("MaxPoolV2", x, integers(1, *pair(kernel), 1),
                          integers(1, *pair(strides), 1), padding=padding,
                          instead=("MaxPool", [x], reference))
    return step


def bias(channels):
    return lambda graph, x: graph.node("BiasAdd", x, normal(channels, scale=0.3),
                                       instead=(None, None, {}), data_format=graph.format())


def statistics(graph, channels):
    """Scale, offset, mean, variance."""
    return [uniform(0.5, 1.5, channels)(graph.random), normal(channels, scale=0.3)(graph.random),
            normal(channels, scale=0.3)(graph.random), uniform(0.5, 1.5, channels)(graph.random)]


def fused_batch_norm(channels, operator="FusedBatchNormV3", epsilon=1e-3):
    def step(graph, x):
        return graph.node(operator, x, *statistics(graph, channels), epsilon=epsilon,
                          is_training=False, data_format=graph.format(),
                          instead=(None, None, dict(epsilon=epsilon, is_training=False)))
    return step


def global_normalisation(channels, scaled):
    """The reference knows FusedBatchNorm alone."""
    def step(graph, x):
        scale, offset, mean, variance = statistics(graph, channels)
        factor = scale if scaled else np.ones_like(scale)
        return graph.node("BatchNormWithGlobalNormalization", x, mean, variance, offset, scale,
                          variance_epsilon=0.001, scale_after_normalization=scaled,
                          instead=("FusedBatchNorm", [x, factor, offset, mean, variance],
                                   dict(epsilon=0.001, is_training=False)))
    return step


def unfolded_batch_norm(channels, scaled=True):
    """tf.nn.batch_normalization: x * inv + (beta - mean * inv)."""
    def step(graph, x):
        gamma, beta, mean, variance = statistics(graph, channels)
        names = [graph.node("Identity", value) for value in (gamma, beta, mean, variance)]
        inverse = graph.node("Rsqrt", graph.node("Add", names[3], scalar(0.001)))
        if scaled:
            inverse = graph.node("Mul", inverse, names[0])
        return graph.node("Add", graph.node("Mul", x, inverse),
                          graph.node("Sub", names[1], graph.node("Mul", names[2], inverse)))
    return step


def divided_batch_norm(channels):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta"""
    def step(graph, x):
        gamma, beta, mean, variance = statistics(graph, channels)
        deviation = graph.node("Sqrt", graph.node("AddV2", variance, scalar(0.001)))
        normal = graph.node("RealDiv", graph.node("Sub", x, mean), deviation)
        return graph.node("AddV2", graph.node("Mul", normal, gamma), beta)
    return step


def atrous(block, paddings, crops, *steps):
    """Steps between SpaceToBatchND and BatchToSpaceND; ((top, bottom), (left, right)) each."""
    return chain(op("SpaceToBatchND", integers(*pair(block)), np.array(paddings, np.int32)),
                 *steps,
                 op("BatchToSpaceND", integers(*pair(block)), np.array(crops, np.int32)))


def reduce(operator, *axes, keep=False):
    def step(graph, x):
        over = graph.constant(integers(*graph.axes(*axes)), reference=integers(*axes))
        return graph.node(operator, x, over, keep_dims=keep)
    return step


def dense(inputs, outputs, transposed=False):
    def step(graph, x):
        shape = (outputs, inputs) if transposed else (inputs, outputs)
        return graph.node("MatMul", x, normal(*shape, scale=1 / np.sqrt(inputs)),
                          transpose_a=False, transpose_b=transposed)
    return step


def reshape(*shape):
    return op("Reshape", integers(*shape))


def length_of(graph, shape, axis):
    """shape[axis] in the graph's own arithmetic."""
    return graph.node("StridedSlice", shape, integers(axis), integers(axis + 1), integers(1),
                      begin_mask=0, end_mask=0, ellipsis_mask=0, new_axis_mask=0,
                      shrink_axis_mask=1)


def flatten_by_pack(graph, x):
    """tf.reshape(x, [tf.shape(x)[0], -1])"""
    shape = graph.node("Shape", x, out_type=Type("int32"))
    packed = graph.node("Pack", length_of(graph, shape, 0), integer(-1), N=2, axis=0)
    return graph.node("Reshape", x, packed)


def flatten_by_product(graph, x):
    """Keras's batch_flatten: [-1, prod(shape[1:])]"""
    shape = graph.node("Shape", x, out_type=Type("int32"))
    rest = graph.node("StridedSlice", shape, integers(1), integers(0), integers(1), begin_mask=0,
                      end_mask=1, ellipsis_mask=0, new_axis_mask=0, shrink_axis_mask=0)
    product = graph.node("Prod", rest, integers(0), keep_dims=False)
    return graph.node("Reshape", x, graph.node("Pack", integer(-1), product, N=2, axis=0))


def transpose(*permutation):
    return op("Transpose", integers(*permutation))


def strided(begin, end, strides, **masks):
    attributes = dict(begin_mask=0, end_mask=0, ellipsis_mask=0, new_axis_mask=0,
                      shrink_axis_mask=0)
    attributes.update(masks)
    return op("StridedSlice", integers(*begin), integers(*end), integers(*strides), **attributes)


def split(axis, parts, *used):
    """Some of the parts, joined again."""
    def step(graph, x):
        result = graph.node("Split", integer(axis), x, num_split=parts)
        names = [f"{result}:{part}" if part else result for part in used]
        return graph.node("ConcatV2", *names, integer(3), N=len(names))
    return step


def split_sizes(axis, sizes, *used):
    def step(graph, x):
        result = graph.node("SplitV", x, integers(*sizes), integer(axis), num_split=len(sizes))
        names = [f"{result}:{part}" if part else result for part in used]
        return graph.node("ConcatV2", *names, integer(3), N=len(names))
    return step


relu, relu6 = op("Relu"), op("Relu6")
swish = branches(joined("Mul"), [], [op("Sigmoid")])
global_average = reduce("Mean", 1, 2)


# Convolution ------------------------------------------------------------------------------------

SMALL, ODD, EVEN = (3, 7, 6), (3, 9, 7), (3, 8, 8)

case("conv_valid", SMALL, conv(3, 5, 3, padding="VALID"))
case("conv_same", SMALL, conv(3, 5, 3))
case("conv_same_pointwise", SMALL, conv(3, 17, 1))
case("conv_same_even_kernel", SMALL, conv(3, 5, 2))
case("conv_same_rectangle", SMALL, conv(3, 5, (1, 4)))
case("conv_same_stride2_even", EVEN, conv(3, 5, 3, 2))
case("conv_same_stride2_odd", ODD, conv(3, 5, 3, 2))
case("conv_same_stride2_pointwise", EVEN, conv(3, 5, 1, 2))
case("conv_same_stride2_kernel5", EVEN, conv(3, 5, 5, 2))
case("conv_same_stride2_kernel7", (3, 12, 13), conv(3, 5, 7, 2))
case("conv_same_stride3_kernel2", (3, 10, 11), conv(3, 5, 2, 3))
case("conv_same_stride_rectangle", (3, 10, 11), conv(3, 5, 3, (2, 1)))
case("conv_valid_stride2", EVEN, conv(3, 5, 3, 2, "VALID"))
case("conv_explicit", EVEN, conv(3, 5, 3, 2, "EXPLICIT", explicit_paddings=[0, 2, 1, 1]))
case("conv_dilated", ODD, conv(3, 5, 3, dilations=2))
case("conv_dilated_valid", ODD, conv(3, 5, 3, padding="VALID", dilations=(3, 2)))
case("conv_groups", SMALL, conv(3, 8, 1), grouped_conv(2, 8, 6, 3))
case("conv_winograd", (3, 16, 17), conv(3, 16, 3), relu, conv(16, 16, 3))
case("depthwise", SMALL, depthwise(3, 1, 3))
case("depthwise_stride2_even", EVEN, depthwise(3, 1, 3, 2))
case("depthwise_stride2_odd", ODD, depthwise(3, 1, 3, 2))
case("depthwise_multiplier2", SMALL, depthwise(3, 2, 3))
case("depthwise_multiplier3_stride2", EVEN, depthwise(3, 3, 5, 2))
case("depthwise_dilated", ODD, depthwise(3, 1, 3, dilations=2))
case("depthwise_wide", SMALL, conv(3, 40, 1), depthwise(40, 1, 3))
case("bias", SMALL, conv(3, 5, 3), bias(5))
case("atrous_conv", EVEN, atrous(2, ((2, 2), (2, 2)), ((0, 0), (0, 0)),
                                 conv(3, 5, 3, padding="VALID")))
case("atrous_conv_cropped", ODD, atrous(2, ((2, 3), (2, 3)), ((0, 1), (0, 1)),
                                        conv(3, 5, 3, padding="VALID"), bias(5), relu))
case("atrous_conv_same", ODD, atrous(4, ((0, 3), (0, 1)), ((0, 3), (0, 1)), conv(3, 5, 3),
                                     unfolded_batch_norm(5), relu6))
case("atrous_depthwise", EVEN, atrous((2, 1), ((2, 2), (1, 1)), ((0, 0), (0, 0)),
                                      depthwise(3, 2, 3, padding="VALID"), fused_batch_norm(6)))
case("atrous_twice", EVEN, conv(3, 4, 1), atrous(2, ((0, 0), (0, 0)), ((0, 0), (0, 0)),
                                                 conv(4, 5, 3), relu, depthwise(5, 1, 3)), relu)

# Pooling ----------------------------------------------------------------------------------------

case("maxpool_valid", EVEN, pool("MaxPool", 2, 2, "VALID"))
case("maxpool_same_stride2_even", EVEN, pool("MaxPool", 3, 2))
case("maxpool_same_stride2_odd", ODD, pool("MaxPool", 3, 2))
case("maxpool_same_stride1", SMALL, pool("MaxPool", (2, 3), 1))
case("maxpool_by_inputs", ODD, pool_by_inputs(3, 2, "VALID"))
case("avgpool_valid", ODD, pool("AvgPool", 3, 2, "VALID"))
case("avgpool_same_stride1", SMALL, pool("AvgPool", 3, 1))
case("avgpool_same_stride2_even", EVEN, pool("AvgPool", 3, 2))
case("avgpool_same_stride2_odd", ODD, pool("AvgPool", 2, 2))
case("avgpool_whole", SMALL, pool("AvgPool", (7, 6), 2, "VALID"))
case("mean", SMALL, reduce("Mean", 1, 2))
case("mean_kept", SMALL, reduce("Mean", 1, 2, keep=True))
case("mean_negative_axes", SMALL, op("Mean", integers(-2, -3), keep_dims=False))
case("mean_height", SMALL, reduce("Mean", 1))
case("mean_width_kept", SMALL, reduce("Mean", 2, keep=True))
case("mean_one_by_one", SMALL, op("Mean", integer(1), keep_dims=False),
     op("Mean", integer(1), keep_dims=False))
case("max_over_map", SMALL, reduce("Max", 1, 2))

# Normalisation, activations ---------------------------------------------------------------------

case("batch_norm_fused", SMALL, fused_batch_norm(3, "FusedBatchNorm"))
case("batch_norm_fused_v2", SMALL, fused_batch_norm(3, "FusedBatchNormV2", 1e-4))
case("batch_norm_fused_v3", SMALL, conv(3, 5, 3), fused_batch_norm(5), relu)
case("batch_norm_unfolded", SMALL, conv(3, 5, 3), unfolded_batch_norm(5), relu6)
case("batch_norm_unfolded_unscaled", SMALL, conv(3, 5, 3), unfolded_batch_norm(5, False))
case("batch_norm_divided", SMALL, conv(3, 5, 3), divided_batch_norm(5))
case("batch_norm_global", SMALL, conv(3, 5, 3), global_normalisation(5, True))
case("batch_norm_global_unscaled", SMALL, conv(3, 5, 3), global_normalisation(5, False))
case("relu", SMALL, relu)
case("relu6", SMALL, op("Mul", scalar(5)), relu6)
case("elu", SMALL, op("Elu"))
case("sigmoid", SMALL, op("Sigmoid"))
case("tanh", SMALL, op("Tanh"))
case("leaky_relu", SMALL, op("LeakyRelu", alpha=0.3))
case("swish", SMALL, conv(3, 5, 1), swish)
case("hard_swish", SMALL, conv(3, 5, 1), branches(
    joined("Mul"), [], [op("Add", scalar(3)), relu6, op("Mul", scalar(1 / 6))]))
case("bounds", SMALL, op("Maximum", scalar(-0.5)), op_last("Minimum", scalar(1)))
case("lrn", SMALL, conv(3, 16, 1), op("LRN"))
case("lrn_alexnet", SMALL, conv(3, 16, 1), op("LRN", depth_radius=2, bias=2.0, alpha=0.01,
                                              beta=0.75))
case("softmax_vector", SMALL, global_average, op("Softmax"))
case("softmax_map", SMALL, conv(3, 5, 1), op("Softmax"))
case("passages", SMALL, op("Identity"), op("StopGradient"), relu)

# Two operands -----------------------------------------------------------------------------------

case("add_channels", SMALL, op("Add", normal(3)))
case("add_channels_long", SMALL, op("AddV2", normal(1, 1, 1, 3)))
case("add_map", SMALL, op("Add", normal(7, 6, 3)))
case("add_row", SMALL, op("Add", normal(6, 1)))
case("add_maps", SMALL, branches(joined("Add"), [conv(3, 5, 3)], [conv(3, 5, 1)]))
case("add_n", SMALL, branches(joined("AddN", N=3), [], [relu], [conv(3, 3, 3)]))
case("sub_constant_first", SMALL, op_last("Sub", normal(3)))
case("sub_channels", SMALL, op("Sub", normal(3)))
case("mul_scalar", SMALL, op("Mul", scalar(-1.5)))
case("mul_gate", SMALL, conv(3, 5, 3), branches(
    joined("Mul"), [], [reduce("Mean", 1, 2, keep=True), conv(5, 5, 1), op("Sigmoid")]))
case("mul_gate_dense", SMALL, conv(3, 5, 3), branches(
    joined("Mul"), [], [global_average, dense(5, 5), op("Sigmoid"), reshape(-1, 1, 1, 5)]))
case("div_constant", SMALL, op("RealDiv", uniform(1, 2, 3)))
case("div_constant_first", SMALL, op("Sigmoid"), op_last("RealDiv", uniform(1, 2, 3)))
case("negate_square", SMALL, op("Square"), op("Neg"))
case("vector_arithmetic", SMALL, global_average, op("Mul", normal(3)), op("Add", normal(1, 3)),
     dense(3, 4), op("BiasAdd", normal(4)), relu)
case("matmul_transposed", SMALL, global_average, dense(3, 6, True))

# Shapes -----------------------------------------------------------------------------------------

case("flatten", SMALL, conv(3, 5, 3), reshape(-1, 210))
case("flatten_batch", SMALL, conv(3, 5, 3), reshape(1, -1), batch=1, images=3)
case("flatten_by_pack", SMALL, conv(3, 5, 3), flatten_by_pack)
case("flatten_by_product", SMALL, conv(3, 5, 3), flatten_by_product, size="free")
case("flatten_dense", SMALL, conv(3, 5, 3, 2), reshape(-1, 60), dense(60, 7))
case("flatten_concat", SMALL, branches(concat, [conv(3, 5, 3)], [conv(3, 2, 1)]), reshape(-1, 294))
case("flatten_part", SMALL, conv(3, 6, 3), strided((0, 0, 0, 1), (0, 0, 0, 4), (1, 1, 1, 1),
                                                    begin_mask=7, end_mask=7), reshape(-1, 126))
case("reshape_map", SMALL, reshape(-1, 21, 2, 3), conv(3, 4, 3))
case("reshape_vector_to_map", SMALL, reshape(-1, 126), dense(126, 24), reshape(-1, 2, 3, 4),
     conv(4, 5, 3))
case("channel_shuffle", SMALL, conv(3, 6, 1), reshape(-1, 7, 6, 2, 3), transpose(0, 1, 2, 4, 3),
     reshape(-1, 7, 6, 6), conv(6, 4, 3))
case("squeeze", SMALL, reduce("Mean", 1, 2, keep=True), op("Squeeze", squeeze_dims=[1, 2]))
case("squeeze_negative", SMALL, reduce("Mean", 1, keep=True), op("Squeeze", squeeze_dims=[-3]))
case("expand_dims", SMALL, global_average, op("ExpandDims", integer(1)),
     op("ExpandDims", integer(-2)), conv(3, 4, 1))
case("transpose_turned", SMALL, transpose(0, 3, 1, 2), turned=(0, 2, 3, 1))
case("transpose_height_width", SMALL, transpose(0, 2, 1, 3))
case("transpose_there_and_back", SMALL, transpose(0, 3, 1, 2), relu, transpose(0, 2, 3, 1),
     conv(3, 4, 3))
case("transpose_flatten", SMALL, conv(3, 4, 1), transpose(0, 3, 1, 2), reshape(-1, 168))
case("transpose_odd", SMALL, transpose(0, 3, 2, 1), reshape(-1, 126))
case("concat", SMALL, branches(concat, [conv(3, 5, 3)], [relu], []))
case("concat_negative_axis", SMALL, branches(
    lambda graph, tensors: graph.node("ConcatV2", *tensors, integer(-1), N=2), [relu], []))
case("concat_axis_first", SMALL, branches(
    lambda graph, tensors: graph.node("Concat", integer(3), *tensors, N=2), [relu], []))
case("concat_height", SMALL, branches(
    lambda graph, tensors: graph.node("ConcatV2", *tensors, integer(1), N=2), [relu], []))
case("concat_vectors", SMALL, branches(
    lambda graph, tensors: graph.node("ConcatV2", *tensors, integer(1), N=2),
    [global_average], [reduce("Max", 1, 2)]))
case("pad", SMALL, op("Pad", np.array([[0, 0], [1, 2], [0, 3], [0, 0]], np.int32)),
     conv(3, 4, 3, padding="VALID"))
case("pad_channels", SMALL, op("Pad", np.array([[0, 0], [0, 0], [0, 0], [2, 1]], np.int32)))
case("pad_number", SMALL, op("PadV2", np.array([[0, 0], [1, 0], [0, 1], [0, 0]], np.int32),
                             scalar(-3)), pool("MaxPool", 2, 2, "VALID"))
case("pad_reflect", SMALL, op("MirrorPad", np.array([[0, 0], [2, 1], [1, 2], [0, 0]], np.int32),
                              mode="REFLECT"))
case("slice", SMALL, op("Slice", integers(0, 1, 2, 0), integers(-1, 3, -1, 2)))
case("strided_slice", SMALL, strided((0, 1, -1, 0), (0, 6, 0, 3), (1, 2, -2, 1), begin_mask=1,
                                     end_mask=5))
case("strided_slice_reversed", SMALL, strided((0, 0), (0, 0), (1, -1), ellipsis_mask=1,
                                              begin_mask=2, end_mask=2), conv(3, 4, 1))
case("strided_slice_shrunk", SMALL, strided((0, 2), (0, 3), (1, 1), begin_mask=1, end_mask=1,
                                            shrink_axis_mask=2))
case("split", SMALL, conv(3, 6, 1), split(3, 3, 2, 0))
case("split_sizes", SMALL, conv(3, 6, 1), split_sizes(3, (1, -1, 2), 2, 1))

# How the file puts it ---------------------------------------------------------------------------


def shuffled_inputs(graph, x):
    """Names with ports, and nodes that must only run before."""
    first = graph.node("Relu", x + ":0")
    second = graph.node("Relu6", x)
    graph.file[-1][2].append("^" + first)
    return graph.node("Add", first + ":0", second)


def repeated(value, *shape):
    return np.full(shape, value, np.float32)


def repeated_weights(graph, x):
    """Constants whose last numbers are all the same."""
    weights = normal(3, 3, 3, 5, scale=0.3)(graph.random)
    weights[1:] = 0.25
    x = graph.node("Conv2D", x, weights, strides=[1, 1, 1, 1], padding="SAME",
                      dilations=[1, 1, 1, 1])
    return graph.node("Mul", graph.node("Add", x, repeated(0.5, 5)), repeated(-2, 1, 1, 5))


def half_weights(graph, x):
    weights = normal(3, 3, 3, 5, scale=0.3)(graph.random).astype(np.float16)
    name = graph.node("Cast", weights, SrcT=Type("half"), DstT=Type("float"))
    return graph.node("Conv2D", x, name, strides=[1, 1, 1, 1], padding="SAME",
                      dilations=[1, 1, 1, 1])


def double_numbers(graph, x):
    name = graph.node("Cast", normal(3)(graph.random).astype(np.float64), SrcT=Type("double"),
                      DstT=Type("float"))
    return graph.node("Add", x, name)


def long_shape(graph, x):
    return graph.node("Reshape", x, np.array([-1, 126], np.int64))


def fed_default(graph, x):
    """A vector that could be fed past what computes it, as retrain.py adds it."""
    x = global_average(graph, x)
    x = graph.node("PlaceholderWithDefault", x, dtype=Type("float"), shape=Shape([-1, 3]),
                   instead=("Identity", None, {}))
    return graph.node("MatMul", x, normal(3, 4)(graph.random))


case("node_order", SMALL, conv(3, 5, 3), unfolded_batch_norm(5), relu, flatten_by_pack,
     dense(210, 4), shuffled=True)
case("node_names", SMALL, shuffled_inputs)
case("stored_lists", SMALL, conv(3, 5, 3), unfolded_batch_norm(5), reshape(-1, 210), typed=True)
case("stored_repeated", SMALL, repeated_weights, typed=True)
case("stored_half", SMALL, half_weights)
case("stored_half_list", SMALL, half_weights, typed=True)
case("stored_double", SMALL, double_numbers)
case("stored_double_list", SMALL, double_numbers, typed=True)
case("stored_long", SMALL, long_shape)
case("stored_long_list", SMALL, long_shape, typed=True)
case("fed_default", SMALL, fed_default)
case("size_free", SMALL, conv(3, 5, 3, 2), relu, global_average, size="free")
case("batch_of_three", SMALL, conv(3, 5, 3), reshape(3, -1), batch=3, images=3)

# Channels first ---------------------------------------------------------------------------------

TURNED = dict(first=True, turned=(0, 3, 1, 2))

case("first_conv", EVEN, conv(3, 5, 3, 2), bias(5), relu, **TURNED)
case("first_conv_explicit", EVEN,
     conv(3, 5, 3, 2, "EXPLICIT", explicit_paddings=[0, 2, 1, 1]), **TURNED)
case("first_depthwise", EVEN, depthwise(3, 2, 3, 2), fused_batch_norm(6), relu6, **TURNED)
case("first_pools", ODD, pool("MaxPool", 3, 2), conv(3, 4, 1), pool("AvgPool", 2, 2), **TURNED)
case("first_mean_dense", ODD, conv(3, 5, 3), fused_batch_norm(5), reduce("Mean", 1, 2),
     dense(5, 4), first=True)
case("first_concat", ODD, branches(concat, [conv(3, 5, 3)], [conv(3, 2, 1)]), **TURNED)


def scale_first(graph, x):
    """[channels, 1, 1] beside a map that counts channels first."""
    values = normal(5, 1, 1)(graph.random)
    name = graph.constant(values, reference=values.reshape(1, 1, 5))
    return graph.node("Add", graph.node("Mul", x, name), name)


def add_whole_first(graph, x):
    values = normal(5, 9, 7)(graph.random)
    return graph.node("Add", x, graph.constant(values, reference=values.transpose(1, 2, 0)))


def flatten_first(count):
    """The reference turns its map before it flattens it."""
    def step(graph, x):
        name = graph.node("Reshape", x, integers(-1, count), instead="")
        turned = graph.add_reference(name + "t", "Transpose", [x, integers(0, 3, 1, 2)], {})
        return graph.add_reference(name, "Reshape", [turned, integers(-1, count)], {})
    return step


def turn_to_first(graph, x):
    """The way that graphs for graphics cards take: turned once at the beginning."""
    graph.first = True
    return graph.node("Transpose", x, integers(0, 3, 1, 2), instead=("Identity", [x], {}))


def turn_to_last(graph, x):
    graph.first = False
    return graph.node("Transpose", x, integers(0, 2, 3, 1), instead=("Identity", [x], {}))


case("first_scale", ODD, conv(3, 5, 3), scale_first, **TURNED)
case("first_add_whole", ODD, conv(3, 5, 3), add_whole_first, **TURNED)
case("first_flatten_dense", ODD, conv(3, 5, 3), flatten_first(315), dense(315, 4), first=True)
case("first_after_transpose", ODD, turn_to_first, conv(3, 5, 3, 2), fused_batch_norm(5), relu,
     conv(5, 4, 1), turn_to_last, relu6, reshape(-1, 80))
case("first_flatten_after_transpose", ODD, turn_to_first, conv(3, 5, 3), flatten_first(315),
     dense(315, 4))

# Images that are preprocessed in the graph ------------------------------------------------------


def begin_with_jpeg(graph, settings):
    """As the Inception of 2015-12-05."""
    _, height, width = settings["shape"]
    graph.file.append(("DecodeJpeg/contents", "Const", [], {
        "dtype": encode_attribute(Type("string")),
        "value": message(8, number(1, TYPES["string"]) + message(2, b"") + message(8, b"JPEG"))}))
    graph.node("DecodeJpeg", "DecodeJpeg/contents", name="DecodeJpeg", instead="", channels=3)
    graph.node("Cast", "DecodeJpeg", name="Cast", instead="", SrcT=Type("uint8"),
               DstT=Type("float"))
    graph.node("ExpandDims", "Cast", integer(0), name="ExpandDims", instead="")
    graph.node("ResizeBilinear", "ExpandDims", integers(height, width), name="ResizeBilinear",
               instead="", align_corners=False)
    graph.node("Sub", "ResizeBilinear", scalar(128), name="Sub", instead="")
    return graph.node("Mul", "Sub", scalar(1 / 128), name="Mul", instead="")


def begin_with_bytes(graph, settings):
    """A batch of bytes."""
    channels, height, width = settings["shape"]
    graph.node("Placeholder", name="image", instead="", dtype=Type("uint8"),
               shape=Shape([-1, height, width, channels]))
    return graph.node("Cast", "image", name="Cast", instead="", SrcT=Type("uint8"),
                      DstT=Type("float"))


def begin_with_one(graph, settings):
    """A single image."""
    channels, height, width = settings["shape"]
    graph.node("Placeholder", name="image", instead="", dtype=Type("float"),
               shape=Shape([height, width, channels]))
    return graph.node("ExpandDims", "image", integer(0), name="ExpandDims", instead="")


def begin_with_list(graph, settings):
    """A list of numbers for each image, as tutorials for digits have it."""
    channels, height, width = settings["shape"]
    graph.node("Placeholder", name="x", instead="", dtype=Type("float"),
               shape=Shape([-1, height * width * channels]))
    return graph.node("Reshape", "x", integers(-1, height, width, channels), name="image",
                      instead="")


def begin_unknown(graph, settings):
    """A placeholder that does not say what it takes: the first weights do."""
    return graph.node("Placeholder", name="x", instead="", dtype=Type("float"))


case("image_jpeg", EVEN, conv(3, 5, 3, 2), relu, global_average, begin=begin_with_jpeg)
case("image_bytes", EVEN, conv(3, 5, 3, 2), begin=begin_with_bytes, last="Relu")
case("image_one", EVEN, op("Sub", scalar(127.5)), op("RealDiv", scalar(127.5)), conv(3, 5, 3, 2),
     begin=begin_with_one)
case("image_list", (1, 8, 8), conv(1, 5, 3, 2), begin=begin_with_list)
case("image_unknown", SMALL, conv(3, 5, 3, 2), begin=begin_unknown, size="free")


# Whole networks, for where they are cut ---------------------------------------------------------


def named(step, name):
    """The step's last node under a name of its own."""
    def rename(graph, x):
        old = step(graph, x)
        for nodes in (graph.file, graph.reference):
            for index, (node, operator, inputs, attributes) in enumerate(nodes):
                nodes[index] = (name if node == old else node, operator,
                                [name if item == old else item for item in inputs], attributes)
        return name
    return rename


def aside(*steps):
    """Steps that nothing goes on from."""
    def step(graph, x):
        chain(*steps)(graph, x)
        return x
    return step


def one_row(count):
    """A reshape for batches of one; the reference runs all images at once."""
    return lambda graph, x: graph.node("Reshape", x, integers(1, count),
                                       instead=(None, [x, integers(-1, count)], {}))


squeezed = op("Squeeze", squeeze_dims=[1, 2])
stem = chain(conv(3, 6, 3, 2), unfolded_batch_norm(6), relu6)

case("net_slim_mobilenet", (3, 14, 14), stem, depthwise(6, 1, 3), fused_batch_norm(6), relu6,
     conv(6, 9, 1), relu6, named(pool("AvgPool", 7, 2, "VALID"), "features"), conv(9, 5, 1),
     bias(5), squeezed, reshape(-1, 5), op("Softmax"))
case("net_slim_resnet", (3, 16, 16), stem, branches(joined("Add"), [], [conv(6, 6, 3), relu]),
     named(reduce("Mean", 1, 2, keep=True), "features"), conv(6, 5, 1), bias(5), squeezed,
     op("Softmax"))
case("net_slim_vgg", (3, 16, 16), stem, named(pool("MaxPool", 2, 2, "VALID"), "features"),
     conv(6, 12, 4, padding="VALID"), bias(12), relu, conv(12, 12, 1), relu, conv(12, 5, 1),
     squeezed)
case("net_keras_vgg", (3, 16, 16), stem, named(pool("MaxPool", 2, 2, "VALID"), "features"),
     flatten_by_product, dense(96, 12), op("BiasAdd", normal(12)), relu, dense(12, 5),
     op("Softmax"))
case("net_retrained", (3, 16, 16), stem, named(pool("AvgPool", 8, 1, "VALID"), "features"),
     one_row(6), op("PlaceholderWithDefault", dtype=Type("float"), shape=Shape([-1, 6]),
                       instead=("Identity", None, {})), dense(6, 5), op("Add", normal(5)),
     op("Softmax"), batch=1, images=3)
case("net_first", (3, 16, 16), conv(3, 6, 3, 2), fused_batch_norm(6), relu,
     named(pool("MaxPool", 2, 2, "VALID"), "features"), flatten_first(96), dense(96, 5),
     first=True)
case("net_two_heads", (3, 16, 16), stem,
     aside(global_average, dense(6, 4), op("Softmax")), conv(6, 6, 3), relu, conv(6, 7, 3),
     named(relu, "features"), conv(7, 1000, 1), global_average)
case("net_evaluated", (3, 16, 16), stem, named(global_average, "features"), dense(6, 5),
     aside(op("ArgMax", integer(1)), op("Cast", SrcT=Type("int64"), DstT=Type("float"))))


def main():
    unknown = [name for name in sys.argv[1:] if name not in CASES]
    if unknown or "TENSORFLOWJS" not in os.environ:
        sys.exit(f"unknown case {unknown[0]}" if unknown else "TENSORFLOWJS is not set")
    write(sys.argv[1:] or list(CASES))


main()
