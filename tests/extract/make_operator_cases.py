#!/usr/bin/env python3
"""Writes the golden cases of test_operators.c and test_bottleneck.c into golden-operators/.

usage: ONNXRUNTIME=FOLDER make_operator_cases.py [NAME ...]

Not part of the tests: run by hand when a case is added. FOLDER is where `npm install
onnxruntime-node` was run; python3-onnx and python3-numpy come from the distribution.

Every case is a small network NAME.onnx with one image-like input "input" and a last tensor
"result". NAME.out.npy holds what ONNX Runtime makes of the images, float32 [n][numbers of
"result"]; a network with a classifier has its bottleneck in NAME.bottleneck.npy besides. The
images are not stored: seeded_images() gives them, here and in tests/helpers.c, of the size that
the file says, or FREE_SIZE. Weights are seeded by the case's name.
"""

import json
import os
import subprocess
import sys
import tempfile
import zlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
OUTPUT = os.path.join(HERE, "golden-operators")
ELEMENT_TYPES = {np.float16: TensorProto.FLOAT16, np.float64: TensorProto.DOUBLE}
FREE_SIZE = (7, 6)
INT64_MAX = np.iinfo(np.int64).max

CASES = {}


# What a case is made of -------------------------------------------------------------------------


def encode(array, name, typed):
    """A tensor as raw bytes, or as numbers of their type."""
    tensor = numpy_helper.from_array(array, name)
    if not typed:
        return tensor
    return helper.make_tensor(name, tensor.data_type, array.shape, array.flatten().tolist())


class Network:
    """A graph in the making: nodes are appended, each gives the name of its result."""

    def __init__(self, name, typed):
        self.random = np.random.default_rng(zlib.crc32(name.encode()))
        self.typed = typed
        self.nodes, self.weights = [], []

    def constant(self, value):
        """An initialiser; `value` is an array or a function of the random generator."""
        array = np.asarray(value(self.random) if callable(value) else value)
        name = f"w{len(self.weights)}"
        self.weights.append(encode(array, name, self.typed))
        return name

    def node(self, operator, *inputs, outputs=1, result=None, **attributes):
        """Inputs are names, None where one is left out, or constants."""
        index = len(self.nodes)
        names = [value if isinstance(value, str) else "" if value is None
                 else self.constant(value) for value in inputs]
        results = [result] if result else [f"t{index}" + "abcd"[part : part + 1] * (outputs > 1)
                                           for part in range(outputs)]
        self.nodes.append(helper.make_node(operator, names, results,
                                           f"{operator.lower()}{index}", **attributes))
        return results[0] if outputs == 1 else results

    def rename(self, old, new):
        for node in self.nodes:
            node.input[:] = [new if name == old else name for name in node.input]
            node.output[:] = [new if name == old else name for name in node.output]


def case(name, shape, *steps, images=2, opset=11, batch="n", size="fixed", layout="NCHW",
         stored=np.float32, typed=False, old=False, external=False, bottleneck=None):
    """`shape`: channels, height, width of an image. `steps`: functions of (network, tensor) that
    append nodes and give the tensor that goes on. `batch`: what the file says. `stored`: the type
    that the whole network has in the file. `typed`: weights not as raw bytes. `old`: as IR
    version 3, where weights are graph inputs too. `external`: weights in NAME.onnx.data.
    `bottleneck`: tensor and pooling."""
    assert name not in CASES, name
    CASES[name] = dict(shape=shape, steps=steps, images=images, opset=opset, batch=batch,
                       size=size, layout=layout, stored=stored, typed=typed, old=old,
                       external=external, bottleneck=bottleneck)


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


def build(name, settings, exposed=None):
    """The network as float32; `exposed` is one more tensor to have as an output."""
    network = Network(name, settings["typed"])
    images = seeded_images(settings["images"], *settings["shape"])
    tensor = "input"
    for step in settings["steps"]:
        tensor = step(network, tensor)
    network.rename(tensor, "result")
    shape = [settings["batch"], *settings["shape"]]
    if settings["layout"] == "NHWC":
        shape = [shape[0], shape[2], shape[3], shape[1]]
    if settings["size"] == "free":
        shape[2:] = ["height", "width"]
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)]
    if settings["old"]:
        inputs += [helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims)
                   for weight in network.weights]
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
               for output in ["result"] + ([exposed] if exposed else [])]
    graph = helper.make_graph(network.nodes, "g", inputs, outputs, network.weights)
    model = helper.make_model(graph, ir_version=3 if settings["old"] else 7,
                              opset_imports=[helper.make_opsetid("", settings["opset"])])
    return model, images


def stored_as(model, settings):
    """The same network with every float32 of the file in another type."""
    stored = settings["stored"]
    if stored is np.float32:
        return model
    element = ELEMENT_TYPES[stored]
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    for weight in copy.graph.initializer:
        if weight.data_type == TensorProto.FLOAT:
            array = numpy_helper.to_array(weight).astype(stored)
            weight.CopyFrom(encode(array, weight.name, settings["typed"]))
    for value in [*copy.graph.input, *copy.graph.output]:
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = element
    return copy


# Running a reference ----------------------------------------------------------------------------


class Jobs:
    """Runs that are collected, and made in one go."""

    def __init__(self, folder):
        self.folder, self.list = folder, []

    def add(self, model, images, output):
        stem = os.path.join(self.folder, str(len(self.list)))
        onnx.save(model, stem + ".onnx")
        images.tofile(stem + ".in")
        self.list.append(dict(network=stem + ".onnx", input=stem + ".in", output=output,
                              shape=list(images.shape), result=stem + ".out"))
        return len(self.list) - 1

    def run(self):
        path = os.path.join(self.folder, "jobs.json")
        with open(path, "w") as file:
            json.dump(self.list, file)
        environment = dict(os.environ,
                           NODE_PATH=os.path.join(os.environ["ONNXRUNTIME"], "node_modules"))
        printed = subprocess.run(["node", os.path.join(HERE, "run_onnxruntime.js"), path],
                                 env=environment, check=True, stdout=subprocess.PIPE).stdout
        self.shapes = json.loads(printed)

    def result(self, index):
        return np.fromfile(self.list[index]["result"], np.float32).reshape(self.shapes[index])


def add_runs(jobs, model, images, settings, output):
    """As many runs as the file's batch asks for, the last one filled up with zeros."""
    if settings["layout"] == "NHWC":
        images = images.transpose(0, 2, 3, 1).copy()
    batch = settings["batch"] if isinstance(settings["batch"], int) else len(images)
    filled = np.concatenate([images, np.zeros_like(images[: -len(images) % batch])])
    return [jobs.add(model, filled[start : start + batch], output)
            for start in range(0, len(filled), batch)]


def pooled(features, pooling):
    if pooling == "average":
        features = features.astype(np.float64).mean((2, 3))
    return features.astype(np.float32)


def write_network(name, shape):
    """With the result's shape, which only a run told."""
    settings = CASES[name]
    model, _ = build(name, settings)
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info(
        "result", TensorProto.FLOAT, [settings["batch"], *shape[1:]]))
    model = stored_as(model, settings)
    if settings["opset"] <= onnx.defs.onnx_opset_version():  # the checker knows no later one
        onnx.checker.check_model(model)
    path = os.path.join(OUTPUT, name + ".onnx")
    if settings["external"]:
        if os.path.exists(path + ".data"):
            os.remove(path + ".data")  # it would be appended to
        onnx.save_model(model, path, save_as_external_data=True, location=name + ".onnx.data",
                        size_threshold=0)
    else:
        onnx.save(model, path)


def write_numbers(name, kind, values):
    """One row for an image, also where the tensor has no dimension of its own for images."""
    settings = CASES[name]
    rows = np.concatenate([value.ravel() for value in values])
    batch = settings["batch"] if isinstance(settings["batch"], int) else settings["images"]
    rows = rows.reshape(len(values) * batch, -1)[: settings["images"]]
    assert np.isfinite(rows).all() and np.linalg.norm(rows) > 0, name
    np.save(os.path.join(OUTPUT, f"{name}.{kind}.npy"), rows)


def write(names):
    os.makedirs(OUTPUT, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        jobs, runs, bottlenecks = Jobs(folder), {}, {}
        for name in names:
            settings = CASES[name]
            model, images = build(name, settings)
            runs[name] = add_runs(jobs, model, images, settings, "result")
            if settings["bottleneck"]:
                tensor, _ = settings["bottleneck"]
                model, _ = build(name, settings, tensor if tensor != "result" else None)
                bottlenecks[name] = add_runs(jobs, model, images, settings, tensor)
        jobs.run()
        for name, indices in runs.items():
            write_network(name, jobs.shapes[indices[0]])
            write_numbers(name, "out", [jobs.result(index) for index in indices])
        for name, indices in bottlenecks.items():
            _, pooling = CASES[name]["bottleneck"]
            write_numbers(name, "bottleneck", [pooled(jobs.result(index), pooling)
                                               for index in indices])


# Constants --------------------------------------------------------------------------------------


def normal(*shape, scale=1.0):
    return lambda random: (random.standard_normal(shape) * scale).astype(np.float32)


def uniform(low, high, *shape):
    return lambda random: random.uniform(low, high, shape).astype(np.float32)


def real(*values):
    return np.array(values, np.float32)


def scalar(value):
    return np.array(value, np.float32)


def integers(*values):
    return np.array(values, np.int64)


def convertible(constant, dtype):
    """The same numbers, rounded to what `dtype` can hold, in that type."""
    return lambda random: constant(random).astype(dtype)


def rounded(constant):
    """Numbers of 16 bits in 32, for networks that are stored in half the size."""
    return lambda random: constant(random).astype(np.float16).astype(np.float32)


# Steps ------------------------------------------------------------------------------------------


def op(operator, *constants, **attributes):
    """One node with the tensor as its first input."""
    return lambda network, x: network.node(operator, x, *constants, **attributes)


def op_last(operator, *constants, **attributes):
    """One node with the tensor as its last input."""
    return lambda network, x: network.node(operator, *constants, x, **attributes)


def twice(operator, **attributes):
    return lambda network, x: network.node(operator, x, x, **attributes)


def pair(value):
    return list(value) if isinstance(value, tuple) else [value, value]


def conv(inputs, outputs, kernel, bias=True, group=1, kernel_shape=True, wrap=lambda w: w,
         result=None, **attributes):
    """`pads` may be one number for all four sides."""
    height, width = pair(kernel)
    if isinstance(attributes.get("pads"), int):
        attributes["pads"] = [attributes["pads"]] * 4
    for key in ("strides", "dilations"):
        if isinstance(attributes.get(key), int):
            attributes[key] = pair(attributes[key])
    if kernel_shape:
        attributes["kernel_shape"] = [height, width]
    if group > 1:
        attributes["group"] = group
    shape = (outputs, inputs // group, height, width)
    scale = 1 / np.sqrt(np.prod(shape[1:]))

    def step(network, x):
        constants = [wrap(normal(*shape, scale=scale))]
        if bias:
            constants.append(wrap(normal(outputs, scale=0.3)))
        return network.node("Conv", x, *constants, result=result, **attributes)
    return step


def pool(operator, kernel, **attributes):
    if isinstance(attributes.get("pads"), int):
        attributes["pads"] = [attributes["pads"]] * 4
    for key in ("strides", "dilations"):
        if isinstance(attributes.get(key), int):
            attributes[key] = pair(attributes[key])
    return op(operator, kernel_shape=pair(kernel), **attributes)


def batch_norm(channels, **attributes):
    return op("BatchNormalization", uniform(0.5, 1.5, channels), normal(channels, scale=0.3),
              normal(channels, scale=0.3), uniform(0.5, 1.5, channels), **attributes)


def dense(inputs, outputs, result=None, **attributes):
    attributes.setdefault("transB", 1)
    shape = (outputs, inputs) if attributes["transB"] else (inputs, outputs)
    return op("Gemm", normal(*shape, scale=1 / np.sqrt(inputs)), normal(outputs, scale=0.3),
              result=result, **attributes)


def branches(join, *parts):
    """Every part (a list of steps) of the same tensor, then one node over all results."""
    def step(network, x):
        results = []
        for steps in parts:
            tensor = x
            for part in steps:
                tensor = part(network, tensor)
            results.append(tensor)
        return join(network, results)
    return step


def joined(operator, result=None, **attributes):
    return lambda network, tensors: network.node(operator, *tensors, result=result, **attributes)


relu = op("Relu")
relu6 = op("Clip", scalar(0), scalar(6))
global_average = op("GlobalAveragePool")
flatten = op("Flatten", axis=1)
concat = joined("Concat", axis=1)


# Convolution ------------------------------------------------------------------------------------

case("conv_1x1", (17, 2, 6), conv(17, 33, 1))
case("conv_1x1_one_pixel", (33, 2, 5), global_average, conv(33, 17, 1), images=3)
case("conv_1x1_stride2", (17, 7, 6), conv(17, 19, 1, strides=2))
case("conv_1x1_padded", (5, 2, 6), conv(5, 7, 1, pads=1))
case("conv_3x3", (5, 4, 5), conv(5, 17, 3, pads=1))
case("conv_3x3_valid", (3, 7, 6), conv(3, 17, 3))
case("conv_3x3_wide", (33, 5, 6), conv(33, 9, 3, pads=1))
case("conv_3x3_tiles", (17, 9, 10), conv(17, 5, 3, pads=1))
case("conv_3x3_one_pixel", (17, 2, 5), global_average, conv(17, 6, 3, pads=1))
case("conv_3x3_exact", (3, 3, 3), conv(3, 5, 3))
case("conv_3x3_stride2", (5, 7, 6), conv(5, 17, 3, pads=1, strides=2))
case("conv_3x3_stride3", (3, 10, 11), conv(3, 9, 3, strides=3))
case("conv_3x3_stride4", (3, 10, 11), conv(3, 5, 3, strides=4))
case("conv_3x3_strides_differ", (3, 9, 10), conv(3, 5, 3, pads=1, strides=(1, 2)))
case("conv_5x5", (3, 7, 6), conv(3, 5, 5, pads=2))
case("conv_7x7_stride2", (3, 15, 14), conv(3, 5, 7, pads=3, strides=2))
case("conv_11x11_stride4", (3, 23, 27), conv(3, 2, 11, pads=2, strides=4))
case("conv_1x7", (3, 6, 9), conv(3, 5, (1, 7), pads=[0, 3, 0, 3]))
case("conv_7x1", (3, 9, 6), conv(3, 5, (7, 1), pads=[3, 0, 3, 0]))
case("conv_1x3", (17, 4, 5), conv(17, 7, (1, 3), pads=[0, 1, 0, 1]))
case("conv_2x2", (3, 6, 7), conv(3, 5, 2))
case("conv_4x4_stride4", (3, 8, 12), conv(3, 5, 4, strides=4))
case("conv_whole_map", (17, 2, 6), conv(17, 3, (2, 6)))
case("conv_pads_differ", (3, 7, 8), conv(3, 5, 3, pads=[0, 1, 2, 0]))
case("conv_pads_stride2_bottom_right", (3, 8, 8), conv(3, 5, 3, pads=[0, 0, 1, 1], strides=2))
case("conv_pads_wide", (3, 4, 5), conv(3, 5, 3, pads=[3, 4, 3, 4]))
case("conv_same_upper", (3, 8, 7), conv(3, 5, 3, auto_pad="SAME_UPPER", strides=2))
case("conv_same_lower", (3, 8, 7), conv(3, 5, 3, auto_pad="SAME_LOWER", strides=2))
case("conv_same_upper_2x2", (3, 6, 7), conv(3, 5, 2, auto_pad="SAME_UPPER"))
case("conv_same_lower_2x2", (3, 6, 7), conv(3, 5, 2, auto_pad="SAME_LOWER"))
case("conv_same_upper_1x1_stride3", (5, 7, 8), conv(5, 5, 1, auto_pad="SAME_UPPER", strides=3))
case("conv_auto_valid", (3, 8, 7), conv(3, 5, 3, auto_pad="VALID", strides=2))
case("conv_auto_notset", (3, 8, 7), conv(3, 5, 3, auto_pad="NOTSET", pads=1))
case("conv_dilated", (3, 7, 6), conv(3, 5, 3, pads=2, dilations=2))
case("conv_dilations_differ", (3, 9, 10), conv(3, 5, 3, dilations=(1, 3)))
case("conv_dilated_stride2", (3, 11, 10), conv(3, 5, 3, pads=2, dilations=2, strides=2))
case("conv_groups", (15, 6, 7), conv(15, 9, 3, pads=1, group=3))
case("conv_groups_1x1", (15, 2, 6), conv(15, 21, 1, group=3))
case("conv_groups_wide", (34, 2, 6), conv(34, 6, 3, pads=1, group=2))
case("conv_depthwise", (17, 4, 5), conv(17, 17, 3, pads=1, group=17))
case("conv_depthwise_stride2", (17, 9, 8), conv(17, 17, 3, pads=1, strides=2, group=17))
case("conv_depthwise_same_upper", (17, 8, 9),
     conv(17, 17, 3, auto_pad="SAME_UPPER", strides=2, group=17, bias=False))
case("conv_depthwise_5x5", (33, 2, 5), conv(33, 33, 5, pads=2, group=33))
case("conv_depthwise_dilated", (17, 4, 5), conv(17, 17, 3, pads=2, dilations=2, group=17))
case("conv_depthwise_whole_map", (17, 3, 5), conv(17, 17, (3, 5), group=17))
case("conv_depthwise_multiplier2", (17, 2, 6), conv(17, 34, 3, pads=1, group=17))
case("conv_depthwise_multiplier3", (5, 4, 5), conv(5, 15, 3, pads=1, strides=2, group=5))
case("conv_no_bias", (3, 5, 4), conv(3, 5, 3, pads=1, bias=False))
case("conv_empty_bias", (5, 7, 6),
     lambda network, x: network.node("Conv", x, normal(9, 5, 3, 3, scale=0.2), None))
case("conv_no_kernel_shape", (3, 5, 4), conv(3, 5, (1, 3), kernel_shape=False))
case("conv_one_channel", (1, 9, 8), conv(1, 3, 3, pads=1), images=3)
case("conv_to_one_channel", (5, 7, 6), conv(5, 1, 3, pads=1))
case("conv_chain", (3, 9, 8), conv(3, 5, 3, pads=1), relu, conv(5, 7, 3, pads=1), relu,
     conv(7, 5, 1), images=3)

# Batch normalisation ----------------------------------------------------------------------------

case("batchnorm", (17, 1, 6), batch_norm(17))
case("batchnorm_epsilon", (3, 4, 3), conv(3, 9, 3, bias=False), batch_norm(9, epsilon=0.3))
case("batchnorm_after_conv_with_bias", (3, 4, 3), conv(3, 9, 3), batch_norm(9))
case("batchnorm_after_depthwise", (9, 4, 5), conv(9, 9, 3, group=9), batch_norm(9), relu6)
case("batchnorm_after_groups", (15, 5, 6), conv(15, 9, 3, group=3), batch_norm(9))
case("batchnorm_relu_conv", (17, 2, 6), batch_norm(17), relu, conv(17, 9, 1))
case("batchnorm_then_padded_conv", (5, 2, 6), batch_norm(5), conv(5, 9, 3, pads=1))
case("batchnorm_opset7_spatial", (3, 4, 3), conv(3, 9, 3), batch_norm(9, spatial=1, momentum=0.9),
     opset=7)
case("batchnorm_opset9", (5, 2, 6), batch_norm(5, momentum=0.9), opset=9)
case("batchnorm_vector", (2, 2, 5), flatten, dense(20, 17), batch_norm(17))
case("batchnorm_shared_conv", (5, 3, 5),
     branches(joined("Add"), [conv(5, 9, 3, result="shared"), batch_norm(9)],
              [lambda network, x: "shared"]))

# Activations ------------------------------------------------------------------------------------

case("relu", (5, 2, 6), relu)
case("conv_relu", (3, 5, 4), conv(3, 9, 3, pads=1), relu)
case("clip_attributes", (5, 2, 6), op("Clip", min=-0.5, max=0.75), opset=7)
case("clip_attributes_min", (5, 2, 6), op("Clip", min=-0.5), opset=10)
case("clip_inputs", (5, 2, 6), conv(5, 9, 1), op("Clip", scalar(-0.5), scalar(0.75)))
case("clip_inputs_min", (5, 2, 6), conv(5, 9, 1), op("Clip", scalar(0.25)))
case("clip_inputs_max", (5, 2, 6), op("Clip", None, scalar(0.25)))
case("clip_nothing", (5, 2, 6), op("Clip"))
case("clip_constant_nodes", (5, 2, 6),
     lambda network, x: network.node(
         "Clip", x, network.node("Constant", value=numpy_helper.from_array(scalar(0))),
         network.node("Constant", value=numpy_helper.from_array(scalar(0.5)))), opset=13)
case("leaky_relu", (3, 4, 3), conv(3, 9, 3), op("LeakyRelu", alpha=0.1))
case("leaky_relu_default", (5, 2, 6), op("LeakyRelu"))
case("prelu_channels", (3, 4, 3), conv(3, 9, 3), op("PRelu", normal(9, 1, 1)))
case("prelu_channels_rank4", (5, 2, 6), op("PRelu", normal(1, 5, 1, 1)))
case("prelu_scalar", (3, 4, 3), conv(3, 9, 3), op("PRelu", real(0.3)))
case("prelu_rank0", (5, 2, 6), op("PRelu", scalar(-0.2)), opset=9)
case("prelu_vector", (5, 1, 6), flatten, op("PRelu", normal(30)))
case("sigmoid", (5, 2, 6), conv(5, 9, 1), op("Sigmoid"))
case("sigmoid_far", (5, 2, 6), op("Mul", scalar(40)), op("Sigmoid"))
case("hard_sigmoid", (5, 2, 6), conv(5, 9, 1), op("HardSigmoid"))
case("hard_sigmoid_sixth", (5, 2, 6), op("HardSigmoid", alpha=1 / 6, beta=0.5))
case("hard_swish", (5, 2, 6), conv(5, 9, 1), op("Mul", scalar(3)), op("HardSwish"), opset=14)


def hard_swish_product(network, x):
    """As PyTorch 1.10 and later export it before opset 14."""
    return network.node("Mul", x, network.node("HardSigmoid", x, alpha=1 / 6, beta=0.5))


def hard_swish(network, x):
    """As older ones do."""
    clipped = network.node("Clip", network.node("Add", x, scalar(3)), scalar(0), scalar(6))
    return network.node("Div", network.node("Mul", x, clipped), scalar(6))


case("hard_swish_hard_sigmoid", (5, 2, 6), op("Mul", scalar(3)), hard_swish_product)
case("hard_swish_decomposed", (5, 2, 6), conv(5, 9, 1), op("Mul", scalar(3)), hard_swish)
case("hard_swish_decomposed_multiplied", (5, 2, 6), op("Mul", scalar(3)),
     branches(joined("Mul"), [], [op("Add", scalar(3)), op("Clip", scalar(0), scalar(6)),
                                  op("Mul", scalar(1 / 6))]))
case("swish", (5, 2, 6), conv(5, 9, 1), branches(joined("Mul"), [], [op("Sigmoid")]))
case("tanh", (5, 2, 6), conv(5, 9, 1), op("Tanh"))
case("elu", (5, 2, 6), conv(5, 9, 1), op("Elu", alpha=0.7))
case("elu_default", (5, 2, 6), op("Elu"))
case("activation_used_twice", (3, 4, 3), conv(3, 9, 3, result="shared"),
     branches(concat, [relu], [op("Sigmoid")], []))
case("softmax_vector", (5, 1, 6), flatten, op("Softmax", axis=1))
case("softmax_vector_opset13", (5, 1, 6), flatten, op("Softmax"), opset=13)
case("softmax_map_opset11", (5, 1, 6), op("Softmax"))
case("softmax_channels_opset13", (5, 2, 6), op("Softmax", axis=1), opset=13)
case("softmax_one_pixel_opset11", (17, 1, 6), global_average, op("Softmax", axis=1))
case("softmax_large", (5, 1, 6), op("Mul", scalar(50)), flatten, op("Softmax"))

# Pooling ----------------------------------------------------------------------------------------

for operator in ("MaxPool", "AveragePool"):
    prefix = operator.lower()
    case(f"{prefix}_2x2", (17, 4, 6), pool(operator, 2, strides=2))
    case(f"{prefix}_3x3_stride2", (3, 9, 8), pool(operator, 3, strides=2))
    case(f"{prefix}_3x3_padded", (33, 2, 6), pool(operator, 3, strides=1, pads=1))
    case(f"{prefix}_3x3_stride2_padded", (3, 8, 7), pool(operator, 3, strides=2, pads=1))
    case(f"{prefix}_no_strides", (3, 4, 3), pool(operator, 2))
    case(f"{prefix}_ceil", (3, 8, 9), pool(operator, 3, strides=2, ceil_mode=1))
    case(f"{prefix}_ceil_2x2", (3, 7, 5), pool(operator, 2, strides=2, ceil_mode=1))
    case(f"{prefix}_ceil_padded", (3, 8, 7), pool(operator, 3, strides=2, pads=1, ceil_mode=1))
    case(f"{prefix}_ceil_no_effect", (3, 7, 7), pool(operator, 3, strides=2, ceil_mode=1))
    case(f"{prefix}_pads_differ", (3, 7, 8), pool(operator, 3, strides=2, pads=[0, 1, 2, 0]))
    case(f"{prefix}_pads_end", (3, 8, 8), pool(operator, 3, strides=2, pads=[0, 0, 1, 1]))
    case(f"{prefix}_same_upper", (3, 8, 7), pool(operator, 3, strides=2, auto_pad="SAME_UPPER"))
    case(f"{prefix}_same_lower", (3, 8, 7), pool(operator, 3, strides=2, auto_pad="SAME_LOWER"))
    case(f"{prefix}_same_upper_2x2", (3, 5, 7), pool(operator, 2, auto_pad="SAME_UPPER"))
    case(f"{prefix}_valid", (3, 8, 7), pool(operator, 3, strides=2, auto_pad="VALID"))
    case(f"{prefix}_sparse", (3, 10, 11), pool(operator, 2, strides=3))
    case(f"{prefix}_1x1_stride2", (3, 7, 8), pool(operator, 1, strides=2))
    case(f"{prefix}_1x3", (3, 5, 8), pool(operator, (1, 3), strides=(1, 2), pads=[0, 1, 0, 1]))
    case(f"{prefix}_whole_map", (17, 2, 6), pool(operator, (2, 6)))
    case(f"{prefix}_opset7", (3, 7, 8), pool(operator, 3, strides=2, pads=1), opset=7)
case("maxpool_dilated", (3, 9, 8), pool("MaxPool", 3, dilations=2, pads=1))
case("maxpool_dilated_stride2", (3, 9, 10), pool("MaxPool", (2, 3), dilations=(3, 2), strides=2))
case("maxpool_negative", (5, 6, 7), op("Sub", scalar(9)), pool("MaxPool", 3, strides=2, pads=1))
case("maxpool_storage_order", (3, 6, 7), pool("MaxPool", 2, strides=2, storage_order=0), opset=8)
case("averagepool_count_padding", (5, 8, 7),
     pool("AveragePool", 3, strides=2, pads=1, count_include_pad=1))
case("averagepool_count_padding_differ", (5, 7, 8),
     pool("AveragePool", 3, strides=1, pads=[0, 1, 2, 0], count_include_pad=1))
case("averagepool_count_padding_ceil", (5, 8, 7),
     pool("AveragePool", 3, strides=2, pads=1, count_include_pad=1, ceil_mode=1))
case("averagepool_after_pad", (5, 2, 6), op("Pad", integers(0, 0, 1, 1, 0, 0, 1, 1)),
     pool("AveragePool", 3, strides=1))
case("averagepool_after_pads_that_differ", (5, 6, 8), op("Pad", integers(0, 0, 2, 0, 0, 0, 1, 3)),
     pool("AveragePool", 3, strides=2, ceil_mode=1))
case("averagepool_counted_after_pad", (5, 6, 7), op("Pad", integers(0, 0, 1, 0, 0, 0, 0, 1)),
     pool("AveragePool", 3, strides=1, pads=[1, 0, 0, 1], count_include_pad=1))
case("averagepool_uncounted_after_pad", (5, 6, 7), op("Pad", integers(0, 0, 1, 1, 0, 0, 1, 1)),
     pool("AveragePool", 3, strides=1, pads=1))
case("averagepool_after_pad_of_ones", (5, 6, 7), op("Pad", integers(0, 0, 1, 1, 0, 0, 1, 1),
                                                    scalar(1)),
     pool("AveragePool", 3, strides=1))
case("averagepool_dilated", (5, 9, 8), pool("AveragePool", 3, dilations=(2, 3), pads=[1, 2, 2, 1]),
     opset=19)
case("averagepool_dilated_padded", (5, 9, 8), pool("AveragePool", 2, dilations=3, strides=2,
                                                   pads=1, count_include_pad=1), opset=19)
case("global_average_pool", (33, 5, 6), global_average, images=3)
case("global_average_pool_one_pixel", (3, 1, 1), global_average)
case("global_max_pool", (33, 5, 6), op("GlobalMaxPool"))
case("global_max_pool_negative", (5, 2, 6), op("Sub", scalar(9)), op("GlobalMaxPool"))

# Local response normalisation -------------------------------------------------------------------

case("lrn_size5", (17, 4, 5), op("Mul", scalar(5)), op("LRN", size=5, alpha=1e-4, beta=0.75,
                                                            bias=1.0))
case("lrn_size3", (5, 4, 5), op("LRN", size=3, alpha=0.5, beta=0.6, bias=2.0))
case("lrn_defaults", (7, 4, 5), op("Mul", scalar(20)), op("LRN", size=5))
case("lrn_wider_than_map", (3, 4, 5), op("LRN", size=9, alpha=0.9, beta=0.5))
case("lrn_size1", (33, 1, 6), op("LRN", size=1, alpha=0.9, beta=1.0))

# Joining ----------------------------------------------------------------------------------------

case("concat_two", (5, 2, 6), branches(concat, [conv(5, 17, 1)], [conv(5, 3, 3, pads=1)]))
case("concat_four", (5, 2, 6), branches(concat, [conv(5, 3, 1), relu], [], [
    pool("MaxPool", 3, pads=1)], [conv(5, 3, 3, pads=1)]), images=3)
case("concat_one", (5, 2, 6), branches(concat, [conv(5, 3, 1)]))
case("concat_same_twice", (5, 2, 6), conv(5, 9, 1), twice("Concat", axis=1))
case("concat_input_twice", (5, 2, 6), twice("Concat", axis=1), conv(10, 9, 1))
case("concat_of_concats", (5, 2, 6), branches(
    concat, [branches(concat, [conv(5, 3, 1)], [relu])],
    [branches(concat, [conv(5, 7, 1, result="shared")], [lambda network, x: "shared", relu])]))
case("concat_used_again", (5, 2, 6), branches(concat, [], [conv(5, 3, 1)]),
     branches(concat, [], [conv(8, 3, 1)]), branches(concat, [], [conv(11, 3, 1)]))
case("concat_height", (5, 2, 6), branches(joined("Concat", axis=2), [conv(5, 5, 1)], [relu],
                                          [pool("MaxPool", (2, 1))]))
case("concat_width", (5, 2, 6), branches(joined("Concat", axis=3), [conv(5, 5, 1)], [relu]))
case("concat_negative_axis", (5, 2, 6), branches(joined("Concat", axis=-3), [relu], []))
case("concat_vectors", (5, 2, 6), branches(concat, [global_average, flatten],
                                           [op("GlobalMaxPool"), flatten]))
case("add_maps", (5, 2, 6), branches(joined("Add"), [conv(5, 9, 1)], [conv(5, 9, 3, pads=1)]))
case("add_residual_relu", (9, 2, 6), branches(joined("Add"), [conv(9, 9, 3, pads=1)], []), relu)
case("add_residual_relu_used_again", (9, 2, 6), relu, branches(
    joined("Add"), [], [conv(9, 9, 3, pads=1), relu, conv(9, 9, 1)]), relu, branches(
    joined("Add"), [], [conv(9, 9, 1)]))
case("add_residual_depthwise", (9, 2, 6),
     branches(joined("Add"), [conv(9, 9, 3, pads=1, group=9)], []), relu6)
case("add_residual_stride2", (5, 6, 6), branches(
    joined("Add"), [conv(5, 9, 3, pads=1, strides=2), batch_norm(9)],
    [conv(5, 9, 1, strides=2), batch_norm(9)]), relu)
case("add_both_used_again", (5, 2, 6), branches(
    concat, [conv(5, 9, 1, result="left")], [conv(5, 9, 3, pads=1, result="right")],
    [lambda network, x: network.node("Add", "left", "right"), relu]))
case("sub_maps", (5, 2, 6), branches(joined("Sub"), [conv(5, 9, 1)], [conv(5, 9, 3, pads=1)]))
case("mul_maps", (5, 2, 6), branches(joined("Mul"), [conv(5, 9, 1)], [conv(5, 9, 3, pads=1)]))
case("div_maps", (5, 2, 6), branches(joined("Div"), [conv(5, 9, 1)],
                                     [conv(5, 9, 1), op("Sigmoid")]))
case("add_itself", (5, 2, 6), twice("Add"))
case("mul_itself", (5, 2, 6), conv(5, 9, 1), twice("Mul"))
for operator in ("Add", "Sub", "Mul", "Div"):
    prefix, positive = operator.lower(), (lambda *shape: uniform(0.5, 2, *shape))
    case(f"{prefix}_channels", (5, 2, 6), conv(5, 9, 1), op(operator, positive(9, 1, 1)))
    case(f"{prefix}_scalar", (5, 2, 6), op(operator, scalar(1.7)))
    case(f"{prefix}_constant_first", (5, 2, 6), op("Sigmoid"), op_last(operator, positive(5, 1, 1)))
    case(f"{prefix}_scalar_first", (5, 2, 6), op("Sigmoid"), op_last(operator, real(1.7)))
    case(f"{prefix}_whole_constant", (5, 2, 6), op(operator, positive(1, 5, 2, 6)))
    case(f"{prefix}_vector", (5, 1, 6), flatten, op(operator, positive(30)))
case("add_channels_rank4", (5, 2, 6), op("Add", normal(1, 5, 1, 1)), opset=7)
case("mul_pixels", (5, 2, 6), op("Mul", normal(2, 6)))
case("mul_columns", (5, 2, 6), op("Mul", normal(6)))
case("mul_add_channels", (3, 4, 3), conv(3, 9, 3, bias=False), op("Mul", normal(9, 1, 1)),
     op("Add", normal(9, 1, 1)), relu)
case("mul_excitation", (9, 2, 6), branches(joined("Mul"), [], [
    global_average, conv(9, 3, 1), relu, conv(3, 9, 1), op("Sigmoid")]))
case("mul_excitation_first", (9, 2, 6), branches(joined("Mul"), [
    global_average, conv(9, 9, 1), op("Sigmoid")], [conv(9, 9, 1)]))
case("add_excitation", (9, 2, 6), branches(joined("Add"), [], [global_average]))
case("mul_attention", (5, 2, 6), branches(joined("Mul"), [],
                                           [conv(5, 1, 3, pads=1), op("Sigmoid")]))
case("mean_image", (3, 5, 6), op("Sub", normal(1, 3, 5, 6)), conv(3, 9, 3))
case("sum_one", (5, 2, 6), conv(5, 9, 1), op("Sum"))
case("sum_two", (9, 2, 6), branches(joined("Sum"), [conv(9, 9, 1)], []), relu)
case("sum_three", (9, 2, 6), branches(joined("Sum"), [conv(9, 9, 1)], [], [relu]))
case("sum_broadcast", (9, 2, 6), branches(joined("Sum"), [conv(9, 9, 1)], [global_average]),
     opset=8)

# Shapes -----------------------------------------------------------------------------------------

case("pad_attributes", (5, 2, 6), op("Pad", pads=[0, 0, 1, 2, 0, 0, 0, 1]), conv(5, 9, 3), opset=7)
case("pad_attributes_value", (5, 2, 6), op("Pad", pads=[0, 0, 1, 2, 0, 0, 0, 1], value=0.7,
                                           mode="constant"), opset=10)
case("pad_zero", (5, 2, 6), op("Pad", integers(0, 0, 1, 2, 0, 0, 0, 1)))
case("pad_value", (5, 2, 6), op("Pad", integers(0, 0, 1, 2, 0, 0, 0, 1), scalar(-1.3)))
case("pad_value_conv", (5, 2, 6), op("Pad", integers(0, 0, 1, 1, 0, 0, 1, 1), scalar(2)),
     conv(5, 9, 3))
case("pad_conv_padded", (5, 2, 6), op("Pad", integers(0, 0, 1, 1, 0, 0, 1, 1)),
     conv(5, 9, 3, pads=1))
case("pad_stride2", (5, 6, 6), op("Pad", integers(0, 0, 0, 0, 0, 0, 1, 1)),
     conv(5, 9, 3, strides=2))
case("pad_channels", (5, 2, 6), op("Pad", integers(0, 2, 0, 0, 0, 3, 0, 0)))
case("pad_maxpool", (5, 6, 5), op("Sub", scalar(9)), op("Pad", integers(0, 0, 1, 1, 0, 0, 1, 1)),
     pool("MaxPool", 3, strides=2))
case("pad_reflect", (3, 4, 5), op("Pad", integers(0, 0, 2, 1, 0, 0, 3, 2), mode="reflect"))
case("pad_edge", (5, 2, 6), op("Pad", integers(0, 0, 2, 1, 0, 0, 3, 2), mode="edge"))
case("pad_edge_attributes", (5, 2, 6), op("Pad", pads=[0, 0, 2, 1, 0, 0, 3, 2], mode="edge"),
     opset=7)
case("pad_nothing", (5, 2, 6), op("Pad", integers(0, 0, 0, 0, 0, 0, 0, 0)), relu)
case("pad_axes", (5, 2, 6), op("Pad", integers(1, 2, 0, 3), scalar(0.5), integers(-1, 2)), opset=18)
case("pad_axes_all", (5, 2, 6), op("Pad", integers(2, 0, 1, 0, 1, 0, 3, 0), None,
                                   integers(3, 1, 2, 0)), opset=19)
case("pad_opset13", (5, 2, 6), lambda network, x: network.node(
    "Pad", x, network.node("Constant", value=numpy_helper.from_array(
        integers(0, 0, 1, 1, 0, 0, 1, 1)))), opset=13)
case("flatten", (5, 2, 6), flatten)
case("flatten_conv", (3, 4, 3), conv(3, 9, 3, pads=1), relu, flatten, images=3)
case("flatten_default", (5, 2, 6), op("Flatten"), opset=7)
case("flatten_negative_axis", (5, 2, 6), op("Flatten", axis=-3))
case("flatten_axis0", (5, 2, 6), op("Flatten", axis=0), batch=1)
case("flatten_dense", (3, 4, 3), conv(3, 9, 3), flatten, dense(18, 17), images=3)
case("flatten_one_pixel", (17, 2, 6), global_average, flatten, dense(17, 5))
case("reshape_flatten", (5, 2, 6), op("Reshape", integers(0, -1)))
case("reshape_flatten_explicit", (5, 2, 6), op("Reshape", integers(-1, 60)))
case("reshape_flatten_one", (5, 2, 6), op("Reshape", integers(1, -1)), batch=1)
case("reshape_flatten_fixed", (5, 2, 6), op("Reshape", integers(2, 60)), dense(60, 7), batch=2,
     images=3)
case("reshape_copy", (5, 2, 6), op("Reshape", integers(0, 0, -1)))
case("reshape_map", (5, 2, 6), flatten, op("Reshape", integers(-1, 3, 5, 4)), conv(3, 9, 3))
case("reshape_map_to_map", (6, 2, 6), op("Reshape", integers(0, 3, 8, 3)), conv(3, 5, 3))
case("reshape_vector_to_pixel", (2, 2, 5), flatten, dense(20, 17),
     op("Reshape", integers(-1, 17, 1, 1)), conv(17, 3, 1))


def shuffle(groups, channels, height, width, batch):
    rest = channels // groups
    return lambda network, x: network.node(
        "Reshape", network.node("Transpose", network.node(
            "Reshape", x, integers(batch, groups, rest, height, width)), perm=[0, 2, 1, 3, 4]),
        integers(batch, channels, height, width))


case("channel_shuffle", (6, 2, 6), conv(6, 6, 1, group=2), shuffle(2, 6, 2, 6, 0),
     conv(6, 6, 1, group=2))
case("channel_shuffle_three", (15, 2, 6), shuffle(3, 15, 2, 6, -1))
case("channel_shuffle_fixed", (6, 2, 6), shuffle(3, 6, 2, 6, 1), batch=1)
case("space_to_depth", (3, 4, 6), op("Reshape", integers(0, 3, 2, 2, 3, 2)),
     op("Transpose", perm=[0, 3, 5, 1, 2, 4]), op("Reshape", integers(0, 12, 2, 3)),
     conv(12, 5, 1))
case("squeeze_attribute", (17, 2, 6), global_average, op("Squeeze", axes=[2, 3]), dense(17, 5))
case("squeeze_input", (17, 2, 6), global_average, op("Squeeze", integers(2, 3)), dense(17, 5),
     opset=13)
case("squeeze_negative", (17, 2, 6), global_average, op("Squeeze", axes=[-1]),
     op("Squeeze", axes=[-1]))
case("squeeze_one_column", (3, 4, 1), op("Squeeze", axes=[3]))
case("unsqueeze_attribute", (2, 2, 5), flatten, dense(20, 17), op("Unsqueeze", axes=[2, 3]),
     conv(17, 5, 1))
case("unsqueeze_input", (2, 2, 5), flatten, dense(20, 17), op("Unsqueeze", integers(-1)),
     op("Unsqueeze", integers(3)), conv(17, 5, 1), opset=13)
case("transpose_input_nhwc", (3, 5, 6), op("Transpose", perm=[0, 3, 1, 2]), conv(3, 9, 3),
     layout="NHWC")
case("transpose_last", (5, 2, 6), conv(5, 3, 1), op("Transpose", perm=[0, 2, 3, 1]))
case("transpose_flatten", (5, 2, 6), conv(5, 3, 1), op("Transpose", perm=[0, 2, 3, 1]),
     op("Reshape", integers(-1, 36)), dense(36, 5))
case("transpose_height_width", (5, 3, 5), op("Transpose", perm=[0, 1, 3, 2]), conv(5, 9, 3))
case("transpose_there_and_back", (5, 2, 6), conv(5, 9, 1), op("Transpose", perm=[0, 2, 3, 1]),
     relu, op("Transpose", perm=[0, 3, 1, 2]), conv(9, 5, 1))
case("transpose_nothing", (5, 2, 6), op("Transpose", perm=[0, 1, 2, 3]))


def split(constants, parts, wanted, **attributes):
    def step(network, x):
        results = network.node("Split", x, *constants, outputs=parts, **attributes)
        return network.node("Concat", *[results[part] for part in wanted], axis=1)
    return step


case("split_equal", (6, 2, 6), split([], 2, [1, 0], axis=1))
case("split_sizes", (9, 2, 6), conv(9, 9, 1), split([], 3, [2, 0, 1], axis=1, split=[2, 6, 1]))
case("split_unused", (9, 2, 6), split([], 3, [1], axis=1))
case("split_input", (9, 2, 6), split([integers(2, 7)], 2, [1, 0], axis=1), opset=13)
case("split_input_left_out", (9, 2, 6), split([], 3, [1, 2, 0], axis=1), opset=13)
case("split_height", (5, 4, 5), split([], 2, [1, 0], axis=2))
case("split_uneven", (7, 2, 6), split([], 3, [2, 0, 1], axis=1, num_outputs=3), opset=18)
case("split_negative_axis", (5, 2, 6), split([], 2, [1, 0], axis=-1, split=[3, 3]))
case("slice_attributes", (9, 4, 5), op("Slice", axes=[1], starts=[2], ends=[7]), opset=9)
case("slice_attributes_no_axes", (5, 4, 6), op("Slice", starts=[0, 1, 1, 2],
                                               ends=[INT64_MAX, 4, 4, 5]), opset=7)
case("slice_attributes_negative", (9, 4, 5), op("Slice", axes=[1, 3], starts=[-4, 1],
                                                ends=[-1, 999]), opset=9)
case("slice_inputs", (9, 4, 5), op("Slice", integers(1, 2), integers(4, INT64_MAX),
                                   integers(2, 1)))
case("slice_inputs_negative", (9, 4, 5), op("Slice", integers(-3), integers(-1), integers(-1)))
case("slice_steps", (5, 6, 7), op("Slice", integers(0, 1), integers(INT64_MAX, INT64_MAX),
                                  integers(2, 3), integers(2, 3)))
case("slice_reversed", (3, 4, 5), op("Slice", integers(-1), integers(-INT64_MAX), integers(1),
                                     integers(-1)), conv(3, 9, 3))
case("slice_int32", (5, 6, 7), op("Slice", np.array([1], np.int32), np.array([5], np.int32),
                                  np.array([2], np.int32)))
case("slice_vector", (5, 2, 6), flatten, op("Slice", integers(7), integers(31), integers(1)))
case("slice_focus", (3, 6, 8), branches(concat, *[
    [op("Slice", integers(row, column), integers(INT64_MAX, INT64_MAX), integers(2, 3),
        integers(2, 2))] for column in (0, 1) for row in (0, 1)]), conv(12, 5, 3))
case("gather_channels", (3, 4, 5), branches(concat, *[
    [lambda network, x, channel=channel: network.node("Gather", x, np.array(channel, np.int64),
                                                      axis=1),
     op("Unsqueeze", axes=[1]), op("Mul", scalar(0.5 + channel)), op("Add", scalar(0.1))]
    for channel in (0, 1, 2)]), conv(3, 9, 3))
case("reduce_mean", (17, 2, 6), op("ReduceMean", axes=[2, 3]))
case("reduce_mean_flat", (17, 2, 6), conv(17, 9, 1), op("ReduceMean", axes=[2, 3], keepdims=0),
     dense(9, 5))
case("reduce_mean_negative", (17, 2, 6), op("ReduceMean", axes=[-1, -2], keepdims=0))
case("reduce_mean_input", (17, 2, 6), op("ReduceMean", integers(2, 3)), opset=18)
case("reduce_mean_input_flat", (17, 2, 6), op("ReduceMean", integers(-1, -2), keepdims=0),
     dense(17, 5), opset=18)
case("reduce_mean_twice", (17, 2, 6), op("ReduceMean", axes=[3], keepdims=0),
     op("ReduceMean", axes=[2], keepdims=0))
case("dropout_opset7", (5, 2, 6), op("Dropout", ratio=0.5), conv(5, 9, 1), opset=7)
case("dropout_opset12", (5, 2, 6), op("Dropout", scalar(0.5)), conv(5, 9, 1), opset=12)
case("dropout_mask", (5, 2, 6),
     lambda network, x: network.node("Dropout", x, outputs=2, ratio=0.3)[0], conv(5, 9, 1),
     opset=10)
case("identity", (5, 2, 6), op("Identity"), conv(5, 9, 1), op("Identity"), op("Identity"))
case("cast_to_itself", (5, 2, 6), op("Cast", to=TensorProto.FLOAT), conv(5, 9, 1))

# Fully connected --------------------------------------------------------------------------------

case("gemm", (2, 2, 5), flatten, dense(20, 17), images=3)
case("gemm_not_transposed", (2, 2, 5), flatten, dense(20, 17, transB=0))
case("gemm_alpha_beta", (2, 2, 5), flatten, dense(20, 17, alpha=0.5, beta=-2.0))
case("gemm_no_bias", (2, 2, 5), flatten, op("Gemm", normal(17, 20, scale=0.2), transB=1))
case("gemm_scalar_bias", (2, 2, 5), flatten, op("Gemm", normal(20, 17, scale=0.2), real(0.7)))
case("gemm_bias_rank2", (2, 2, 5), flatten, op("Gemm", normal(20, 17, scale=0.2), normal(1, 17)),
     opset=7)
case("gemm_relu_gemm", (2, 2, 5), flatten, dense(20, 9), relu, dense(9, 33), relu, dense(33, 3))
case("matmul", (2, 2, 5), flatten, op("MatMul", normal(20, 17, scale=0.2)))
case("matmul_add", (2, 2, 5), flatten, op("MatMul", normal(20, 17, scale=0.2)),
     op("Add", normal(17)), relu)
case("matmul_add_first", (2, 2, 5), flatten, op("MatMul", normal(20, 17, scale=0.2)),
     op_last("Add", normal(1, 17)))
case("gemm_batchnorm", (2, 2, 5), flatten, dense(20, 17), batch_norm(17), relu, opset=9)

# Constants and how files hold them --------------------------------------------------------------


def from_constants(network, x):
    """Weights out of Constant nodes, as PyTorch writes what it has folded."""
    weights, bias = (network.node("Constant", value=numpy_helper.from_array(
        constant(network.random))) for constant in (normal(9, 5, 3, 3, scale=0.2), normal(9)))
    return network.node("Conv", x, weights, bias)


def from_short_constants(network, x):
    """The attributes that Constant has since opset 12."""
    x = network.node("Mul", x, network.node("Constant", value_float=1.5))
    x = network.node("Add", x, network.node("Constant", value_floats=[0.5]))
    return network.node("Reshape", x, network.node("Constant", value_ints=[0, -1]))


def view_by_shape(network, x):
    """x.view(x.size(0), -1) as PyTorch exports it."""
    size = network.node("Gather", network.node("Shape", x), np.array(0, np.int64), axis=0)
    rest = network.node("Constant", value=numpy_helper.from_array(np.array(-1, np.int64)))
    shape = network.node("Concat", network.node("Unsqueeze", size, axes=[0]),
                         network.node("Unsqueeze", rest, axes=[0]), axis=0)
    return network.node("Reshape", x, shape)


def view_by_products(network, x):
    """x.view(n, c * h * w) with every size out of the shape."""
    def size(axis):
        return network.node("Gather", network.node("Shape", x), np.array(axis, np.int64), axis=0)

    product = network.node("Mul", network.node("Mul", size(1), size(2)), size(3))
    shape = network.node("Concat", network.node("Unsqueeze", size(0), axes=[0]),
                         network.node("Unsqueeze", product, axes=[0]), axis=0)
    return network.node("Reshape", x, network.node("Cast", shape, to=TensorProto.INT64))


def view_by_slice(network, x):
    """Shape, Slice and Concat, as other exporters write it."""
    shape = network.node("Slice", network.node("Shape", x), integers(0), integers(1), integers(0))
    return network.node("Reshape", x, network.node("Concat", shape, integers(-1), axis=0))


def unsqueezed_scale(network, x):
    """Scale and shift as Caffe2's exporter writes batch normalisation."""
    scale = network.node("Unsqueeze", normal(9), axes=[1, 2])
    shift = network.node("Unsqueeze", normal(9), axes=[1, 2])
    return network.node("Add", network.node("Mul", x, scale), shift)


def computed_weights(network, x):
    """Weights that are the result of operators on constants."""
    kernel = network.node("Transpose", normal(3, 3, 5, 9, scale=0.2), perm=[3, 2, 0, 1])
    kernel = network.node("Mul", kernel, uniform(0.5, 1.5, 9, 1, 1, 1))
    bias = network.node("Div", network.node("Sub", normal(9), normal(9)), scalar(2))
    return network.node("Conv", x, kernel, network.node("Identity", bias))


def reshaped_weights(network, x):
    weights = network.node("Reshape", normal(17, 2, 2, 5, scale=0.2), integers(17, 20))
    return network.node("MatMul", x, network.node("Transpose", weights, perm=[1, 0]))


def shared_bias(network, x):
    """One initialiser behind two names."""
    bias = network.constant(normal(9))
    left = network.node("Conv", x, normal(9, 5, 1, 1), network.node("Identity", bias))
    return network.node("Conv", left, normal(9, 9, 1, 1), bias)


def cast_weights(network, x):
    kernel = network.node("Cast", convertible(normal(9, 5, 3, 3, scale=0.2), np.float16),
                          to=TensorProto.FLOAT)
    scale = network.node("Cast", np.array([2], np.int64), to=TensorProto.FLOAT)
    shift = network.node("Cast", np.array(0.1, np.float64), to=TensorProto.FLOAT)
    return network.node("Add", network.node("Mul", network.node("Conv", x, kernel), scale), shift)


def scaled_int8_weights(network, x):
    """Weights of eight bits with a scale for each output channel."""
    kernel = network.node("Cast", lambda random: random.integers(-128, 128, (9, 5, 3, 3), np.int8),
                          to=TensorProto.FLOAT)
    scale = network.constant(lambda random: random.uniform(1e-3, 3e-3, (9, 1, 1, 1))
                             .astype(np.float32))
    return network.node("Conv", x, network.node("Mul", kernel, scale), normal(9))


case("constant_nodes", (5, 3, 5), from_constants)
case("constant_short", (5, 2, 6), from_short_constants, opset=12)
case("view_by_shape", (5, 2, 6), conv(5, 3, 1), view_by_shape, dense(36, 5), images=3)
case("view_by_products", (5, 2, 6), conv(5, 3, 1), view_by_products, dense(36, 5), opset=9)
case("view_by_slice", (5, 2, 6), view_by_slice)
case("unsqueezed_scale", (3, 4, 3), conv(3, 9, 3, bias=False), unsqueezed_scale, opset=8)
case("computed_weights", (5, 3, 5), computed_weights)
case("reshaped_weights", (2, 2, 5), flatten, reshaped_weights)
case("shared_bias", (5, 2, 6), shared_bias)
case("cast_weights", (5, 3, 5), cast_weights)
case("stored_raw_int8", (5, 3, 5), scaled_int8_weights)
case("stored_typed_int8", (5, 3, 5), scaled_int8_weights, typed=True)
small = (conv(5, 9, 3, pads=1, wrap=rounded), relu, conv(9, 7, 1, wrap=rounded))
case("stored_raw_float", (5, 2, 6), *small)
case("stored_typed_float", (5, 2, 6), *small, typed=True)
case("stored_raw_float16", (5, 2, 6), *small, stored=np.float16)
case("stored_typed_float16", (5, 2, 6), *small, stored=np.float16, typed=True)
case("stored_raw_double", (5, 2, 6), *small, stored=np.float64)
case("stored_typed_double", (5, 2, 6), *small, stored=np.float64, typed=True)
case("stored_typed_shape", (5, 2, 6), op("Reshape", integers(0, -1)), dense(60, 5), typed=True)
case("weights_as_inputs", (3, 4, 3), conv(3, 9, 3), batch_norm(9), relu, opset=8, old=True)
case("size_free", (5, *FREE_SIZE), conv(5, 9, 3, pads=1, strides=2), relu, global_average, flatten,
     size="free")
case("batch_fixed_one", (3, 4, 3), conv(3, 9, 3), flatten, dense(18, 5), batch=1, images=3)
case("batch_fixed_two", (3, 4, 3), conv(3, 9, 3), flatten, dense(18, 5), batch=2, images=3)

for version in range(7, 14):
    case(f"opset{version}", (3, 9, 8), conv(3, 9, 3, pads=1, bias=False), batch_norm(9), relu,
         pool("MaxPool", 3, strides=2, pads=1), branches(concat, [conv(9, 5, 1)], [
             pool("AveragePool", 3, pads=1)]), op("LRN", size=3, alpha=0.1), global_average,
         flatten, dense(14, 7), opset=version)

# Whole networks ---------------------------------------------------------------------------------


def norm_relu_conv(inputs, outputs, kernel, **attributes):
    return [conv(inputs, outputs, kernel, bias=False, **attributes), batch_norm(outputs), relu]


def residual(inputs, outputs, stride):
    shortcut = [] if stride == 1 else [conv(inputs, outputs, 1, bias=False, strides=stride),
                                       batch_norm(outputs)]
    return [branches(joined("Add"), [
        *norm_relu_conv(inputs, outputs, 3, pads=1, strides=stride),
        conv(outputs, outputs, 3, bias=False, pads=1), batch_norm(outputs)], shortcut), relu]


def fire(inputs, squeeze, expand, result=None):
    return [conv(inputs, squeeze, 1), relu, branches(
        joined("Concat", axis=1, result=result), [conv(squeeze, expand, 1), relu],
        [conv(squeeze, expand, 3, pads=1), relu])]


def inverted_residual(channels, expanded):
    return [branches(joined("Add"), [], [
        conv(channels, expanded, 1), relu6, conv(expanded, expanded, 3, pads=1, group=expanded),
        relu6, conv(expanded, channels, 1)])]


def excitation(channels, squeezed):
    """Squeeze-and-excite with fully connected layers, which are no classifier."""
    return [branches(joined("Mul"), [], [
        global_average, flatten, dense(channels, squeezed), relu, dense(squeezed, channels),
        op("Sigmoid"), op("Reshape", integers(-1, channels, 1, 1))])]


def inception(inputs):
    return [branches(concat, [conv(inputs, 3, 1), relu],
                     [conv(inputs, 4, 1), relu, conv(4, 5, 3, pads=1), relu],
                     [conv(inputs, 3, 1), relu, conv(3, 4, 5, pads=2), relu],
                     [pool("MaxPool", 3, pads=1), conv(inputs, 3, 1), relu])]


def dense_layer(channels, growth):
    return [branches(concat, [], [batch_norm(channels), relu, conv(channels, 8, 1, bias=False),
                                  batch_norm(8), relu,
                                  conv(8, growth, 3, pads=1, bias=False)])]


stem = [*norm_relu_conv(3, 6, 3, pads=1, strides=2), pool("MaxPool", 3, strides=2, pads=1)]

case("net_residual", (3, 18, 18), *stem, *residual(6, 6, 1), *residual(6, 7, 2),
     op("GlobalAveragePool", result="features"), flatten, dense(7, 5), opset=13,
     bottleneck=("features", "none"))
case("net_residual_average_pool", (3, 18, 18), *stem, *residual(6, 7, 2),
     pool("AveragePool", 3, result="features"), flatten, dense(7, 5),
     op("Softmax", axis=1), bottleneck=("features", "none"))
case("net_plain", (3, 12, 12), conv(3, 6, 3, pads=1), relu, pool("MaxPool", 2, strides=2),
     conv(6, 8, 3, pads=1), relu, pool("MaxPool", 2, strides=2, result="features"),
     flatten, dense(72, 9), relu, op("Dropout", ratio=0.5),
     dense(9, 9), relu, op("Dropout", ratio=0.5), dense(9, 5),
     bottleneck=("features", "none"))
case("net_plain_view", (3, 19, 19), conv(3, 6, 5, strides=2), relu,
     op("LRN", size=5, alpha=1e-2, beta=0.75), pool("MaxPool", 3, strides=2),
     conv(6, 8, 3, pads=1, group=2), op("Relu", result="features"), view_by_shape,
     dense(72, 9), relu, dense(9, 5), op("Softmax"), opset=9, bottleneck=("features", "none"))
case("net_fire", (3, 17, 17), conv(3, 8, 3, strides=2), relu,
     pool("MaxPool", 3, strides=2, ceil_mode=1), *fire(8, 3, 6),
     *fire(12, 4, 7, result="features"), conv(14, 5, 1), relu, global_average, flatten,
     bottleneck=("features", "average"))
case("net_fire_dropout", (3, 17, 17), conv(3, 8, 3, strides=2), relu, *fire(8, 3, 6),
     *fire(12, 4, 7, result="features"), op("Dropout", ratio=0.5), conv(14, 5, 1), relu,
     global_average, op("Softmax"), bottleneck=("features", "average"))
case("net_fire_average_pool", (3, 9, 9), conv(3, 8, 3, strides=2), relu,
     *fire(8, 3, 7, result="features"), conv(14, 5, 1), relu, pool("AveragePool", 4),
     op("Reshape", integers(0, -1)), op("Softmax"), bottleneck=("features", "average"))
case("net_inverted_residual", (3, 16, 16), conv(3, 6, 3, pads=1, strides=2), relu6,
     *inverted_residual(6, 18), *inverted_residual(6, 12), conv(6, 11, 1), relu6,
     op("GlobalAveragePool", result="features"), conv(11, 5, 1), flatten, op("Softmax", axis=1),
     batch=1, images=3, bottleneck=("features", "none"))
case("net_inverted_residual_mean", (3, 16, 16), conv(3, 6, 3, pads=1, strides=2), relu6,
     *inverted_residual(6, 18), conv(6, 11, 1), relu6,
     op("ReduceMean", axes=[2, 3], keepdims=0, result="features"),
     op("MatMul", normal(11, 5, scale=0.3)), op("Add", normal(5)), op("Softmax"), opset=13,
     bottleneck=("features", "none"))
case("net_inception", (3, 15, 15), *norm_relu_conv(3, 8, 3, strides=2),
     pool("MaxPool", 3, strides=2), *inception(8), *inception(15),
     pool("AveragePool", 3, result="features"), op("Reshape", integers(1, 15)),
     op("Dropout", ratio=0.4), dense(15, 5),
     op("Softmax"), batch=1, images=3, bottleneck=("features", "none"))
case("net_dense", (3, 17, 17), *stem, *dense_layer(6, 4), *dense_layer(10, 4), batch_norm(14), relu,
     conv(14, 8, 1, bias=False), pool("AveragePool", 2, strides=2), *dense_layer(8, 4),
     batch_norm(12), relu, op("GlobalAveragePool", result="features"), conv(12, 5, 1),
     bottleneck=("features", "none"))
case("net_excitation", (3, 16, 16), conv(3, 8, 3, pads=1, strides=2), hard_swish_product,
     *excitation(8, 3), conv(8, 16, 1), hard_swish_product,
     op("GlobalAveragePool", result="features"), flatten, dense(16, 20),
     hard_swish_product, op("Dropout", ratio=0.2), dense(20, 5), bottleneck=("features", "none"))
case("net_excitation_convolutions", (3, 16, 16), conv(3, 8, 3, pads=1, strides=2), hard_swish,
     branches(joined("Mul"), [], [global_average, conv(8, 3, 1), relu, conv(3, 8, 1),
                                  op("HardSigmoid", alpha=1 / 6, beta=0.5)]),
     conv(8, 16, 1), hard_swish, op("GlobalAveragePool", result="features"), conv(16, 20, 1),
     hard_swish, conv(20, 5, 1), flatten, op("Softmax", axis=1),
     bottleneck=("features", "none"))
case("net_shuffle", (3, 16, 16), *norm_relu_conv(3, 8, 3, pads=1, strides=2),
     branches(concat, [op("Slice", integers(0), integers(4), integers(1))],
              [op("Slice", integers(4), integers(8), integers(1)), conv(4, 4, 1), relu,
               conv(4, 4, 3, pads=1, group=4)]), shuffle(2, 8, 8, 8, 0), conv(8, 12, 1), relu,
     op("ReduceMean", axes=[2, 3], keepdims=0, result="features"), dense(12, 5), opset=11,
     bottleneck=("features", "none"))
case("net_opset22", (3, 16, 16), conv(3, 6, 3, pads=1, strides=2), relu,
     pool("MaxPool", 3, strides=2, pads=1), *inverted_residual(6, 9), batch_norm(6), op("HardSwish"),
     op("GlobalAveragePool", result="features"), flatten, dense(6, 5), opset=22,
     bottleneck=("features", "none"))
case("net_external", (3, 16, 16), conv(3, 6, 3, pads=1, strides=2), relu6,
     *inverted_residual(6, 18), op("GlobalAveragePool", result="features"), flatten, dense(6, 5),
     external=True, bottleneck=("features", "none"))
case("net_headless_vector", (3, 18, 18), *stem, *inverted_residual(6, 9),
     op("GlobalAveragePool", result="features"), flatten, bottleneck=("features", "none"))
case("net_headless_map", (3, 18, 18), *stem, *inverted_residual(6, 9),
     bottleneck=("result", "average"))


def main():
    unknown = [name for name in sys.argv[1:] if name not in CASES]
    if unknown or "ONNXRUNTIME" not in os.environ:
        sys.exit(f"unknown case {unknown[0]}" if unknown else "ONNXRUNTIME is not set")
    write(sys.argv[1:] or list(CASES))


main()
