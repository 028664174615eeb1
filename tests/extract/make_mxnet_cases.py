#!/usr/bin/env python3
"""Writes the golden cases of MXNet's reader for test_operators.c into golden-mxnet/.

usage: make_mxnet_cases.py [NAME ...]

Not part of the tests: run by hand when a case is added. python3-torch and python3-numpy come from
the distribution.

Every case is a small network, NAME-symbol.json and NAME-0000.params, with one image "data" and a
last node "result". NAME-0000.out.npy holds what PyTorch, in double precision, makes of the images,
float32 [n][numbers of "result"]. The images are not stored: seeded_images() gives them, as in
make_operator_cases.py. Weights are seeded by the case's name.

Both files are written here as MXNet 0.8 to 1.9 write them: src/ndarray/ndarray.cc and
nnvm/src/pass/saveload_json.cc.
"""

import json
import os
import struct
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
OUTPUT = os.path.join(HERE, "golden-mxnet")
IMAGES = 2
FREE_SIZE = (7, 6)
TYPES = {np.dtype("<f4"): 0, np.dtype("<f8"): 1, np.dtype("<f2"): 2}
V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA

CASES = {}


def seeded_images(*shape):
    """As in make_operator_cases.py."""
    hash = np.arange(np.prod(shape), dtype=np.uint32)
    hash ^= hash >> np.uint32(16)
    hash *= np.uint32(0x7FEB352D)
    hash ^= hash >> np.uint32(15)
    hash *= np.uint32(0x846CA68B)
    hash ^= hash >> np.uint32(16)
    values = (hash >> np.uint32(8)).astype(np.float64) / 2**22 - 2
    return values.astype(np.float32).reshape(shape)


# The files --------------------------------------------------------------------------------------


def array_bytes(array, version):
    """`version`: 0, or one of V1, V2, V3."""
    head = b""
    if version:
        head += struct.pack("<I", version)
        if version != V1:
            head += struct.pack("<i", 0)
        head += struct.pack(f"<I{array.ndim}q", array.ndim, *array.shape)
    else:
        head += struct.pack(f"<I{array.ndim}I", array.ndim, *array.shape)
    return head + struct.pack("<iii", 1, 0, TYPES[array.dtype]) + array.tobytes()


def params_bytes(params, version, prefixes):
    out = struct.pack("<QQQ", 0x112, 0, len(params))
    for array in params.values():
        out += array_bytes(array, version)
    out += struct.pack("<Q", len(params))
    for name in params:
        prefix = "aux:" if "moving" in name else "arg:"
        text = ((prefix if prefixes else "") + name).encode()
        out += struct.pack("<Q", len(text)) + text
    return out


class Value:
    """A result: which node's, and what PyTorch makes of it."""

    def __init__(self, entry, tensor):
        self.entry, self.tensor = entry, tensor


class Network:
    def __init__(self, name, size=FREE_SIZE, channels=3, key="attrs", version=V2, kind="<f4",
                 prefixes=True, stored_shape=False):
        self.random = np.random.default_rng(zlib.crc32(name.encode()))
        self.key, self.version, self.kind, self.prefixes = key, version, kind, prefixes
        self.nodes, self.params, self.count = [], {}, 0
        images = seeded_images(IMAGES, channels, *size).astype(np.float64)
        shape = {"__shape__": str((0, channels, *size))} if stored_shape else {}
        self.data = Value(self.node("null", "data", [], shape), torch.from_numpy(images))

    def node(self, operator, name, inputs, attributes):
        entries = [[*entry] if self.key == "param" else [*entry, 0] for entry in inputs]
        node = {"op": operator, "name": name, "inputs": entries}
        if attributes or self.key == "param":
            node[self.key] = attributes
        self.nodes.append(node)
        return (len(self.nodes) - 1, 0)

    def parameter(self, name, values, variable=True):
        """The values as they are stored, in double precision."""
        array = np.ascontiguousarray(values, self.kind)
        self.params[name] = array
        entry = self.node("null", name, [], {}) if variable else None
        return entry, torch.from_numpy(array.astype(np.float64))

    def normal(self, *shape):
        return self.random.standard_normal(shape) * 0.5

    def add(self, operator, inputs, compute, parameters=(), name=None, missing=0, **attributes):
        """`parameters`: (suffix, values); the last `missing` of them get no variable. `compute`
        takes the inputs' tensors, then the parameters'."""
        self.count += 1
        name = name or f"{operator.lower().strip('_')}{self.count}"
        entries = [value.entry for value in inputs]
        tensors = [value.tensor for value in inputs]
        for index, (suffix, values) in enumerate(parameters):
            entry, tensor = self.parameter(f"{name}_{suffix}", values,
                                           index < len(parameters) - missing)
            entries += [entry] if entry else []
            tensors.append(tensor)
        texts = {key: str(value) for key, value in attributes.items()}
        return Value(self.node(operator, name, entries, texts), compute(*tensors))

    def save(self, name, result):
        """The last node gets the name "result"."""
        old = self.nodes[result.entry[0]]["name"]
        self.nodes[result.entry[0]]["name"] = "result"
        params = {key.replace(old + "_", "result_") if key.startswith(old + "_") else key: value
                  for key, value in self.params.items()}
        for node in self.nodes:
            if node["op"] == "null" and node["name"].startswith(old + "_"):
                node["name"] = node["name"].replace(old + "_", "result_")
        variables = [index for index, node in enumerate(self.nodes) if node["op"] == "null"]
        head = [*result.entry] if self.key == "param" else [*result.entry, 0]
        symbol = {"nodes": self.nodes, "arg_nodes": variables, "heads": [head]}
        path = os.path.join(OUTPUT, name)
        with open(path + "-symbol.json", "w", encoding="ascii") as file:
            json.dump(symbol, file, indent=1)
            file.write("\n")
        with open(path + "-0000.params", "wb") as file:
            file.write(params_bytes(params, self.version, self.prefixes))
        vectors = result.tensor.reshape(IMAGES, -1).numpy().astype(np.float32)
        np.save(path + "-0000.out.npy", vectors)


def case(name, build, **settings):
    """`build` takes a network and gives its result."""
    assert name not in CASES, name
    CASES[name] = (build, settings)


# Operators --------------------------------------------------------------------------------------


def convolution(net, x, filters, kernel, stride=(1, 1), pad=(0, 0), dilate=(1, 1), group=1,
                bias=True, **more):
    parameters = [("weight", net.normal(filters, x.tensor.shape[1] // group, *kernel))]
    if bias:
        parameters.append(("bias", net.normal(filters)))
    return net.add("Convolution", [x],
                   lambda t, w, b=None: F.conv2d(t, w, b, stride, pad, dilate, group), parameters,
                   kernel=kernel, stride=stride, pad=pad, dilate=dilate, num_filter=filters,
                   num_group=group, no_bias=not bias, **more)


def dense(net, x, outputs, bias=True, **more):
    features = x.tensor[0].numel()
    parameters = [("weight", net.normal(outputs, features))]
    if bias:
        parameters.append(("bias", net.normal(outputs)))
    return net.add("FullyConnected", [x],
                   lambda t, w, b=None: F.linear(t.flatten(1), w, b), parameters,
                   num_hidden=outputs, no_bias=not bias, **more)


def batch_norm(net, x, fixed, eps=1e-3, operator="BatchNorm", missing=0, **more):
    channels = x.tensor.shape[1]
    parameters = [("gamma", net.normal(channels) + 1), ("beta", net.normal(channels)),
                  ("moving_mean", net.normal(channels)),
                  ("moving_var", net.normal(channels) ** 2 + 0.1)]
    return net.add(operator, [x],
                   lambda t, g, b, m, v: F.batch_norm(t, m, v, None if fixed else g, b, eps=eps),
                   parameters, missing=missing, **({"eps": eps} if eps != 1e-3 else {}), **more)


def pool(net, x, kind, kernel, stride=(1, 1), pad=(0, 0), full=False, operator="Pooling",
         **more):
    def compute(t):
        if kind == "max":
            return F.max_pool2d(t, kernel, stride, pad, ceil_mode=full)
        include = more.get("count_include_pad", True)
        return F.avg_pool2d(t, kernel, stride, pad, ceil_mode=full, count_include_pad=include)

    if full:
        more["pooling_convention"] = "full"
    return net.add(operator, [x], compute, pool_type=kind, kernel=kernel, stride=stride, pad=pad,
                   **more)


def whole_average_pool(t, kernel, stride):
    """Every window divided by its full size, as the first version of Pooling does."""
    padded = F.pad(t, (0, kernel[1], 0, kernel[0]))
    sums = F.avg_pool2d(padded, kernel, stride, divisor_override=kernel[0] * kernel[1])
    size = [-(-(t.shape[2 + i] - kernel[i]) // stride[i]) + 1 for i in range(2)]
    return sums[:, :, :size[0], :size[1]]


def activation(net, x, kind, function):
    return net.add("Activation", [x], function, act_type=kind)


def scalar(net, x, operator, value, function):
    return net.add(operator, [x], function, scalar=value)


def channel_scale(net, x):
    """Squeeze and excitation, as gluon writes it."""
    squeezed = net.add("Pooling", [x], lambda t: t.mean((2, 3), keepdim=True), kernel=(1, 1),
                       global_pool=True, pool_type="avg")
    gate = activation(net, convolution(net, squeezed, x.tensor.shape[1], (1, 1)), "sigmoid",
                      torch.sigmoid)
    return net.add("broadcast_mul", [x, gate], torch.mul)


def shuffle(net, x, groups):
    """ShuffleNet's, in three steps."""
    n, c, h, w = x.tensor.shape
    x = net.add("Reshape", [x], lambda t: t.reshape(n, groups, c // groups, h, w),
                shape=(0, -4, groups, -1, -2))
    x = net.add("SwapAxis", [x], lambda t: t.transpose(1, 2), dim1=1, dim2=2)
    return net.add("Reshape", [x], lambda t: t.reshape(n, c, h, w), shape=(0, -3, -2))


def split(net, x, parts):
    """The parts in reverse order."""
    pieces = net.add("SliceChannel", [x], lambda t: t, num_outputs=parts)
    tensors = x.tensor.chunk(parts, 1)
    values = [Value((pieces.entry[0], i), tensors[i]) for i in range(parts)]
    return net.add("Concat", values[::-1], lambda *t: torch.cat(t, 1), num_args=parts, dim=1)


def lrn(t, size, alpha, beta, k):
    return F.local_response_norm(t, size, alpha, beta, k)


def operators_of_data(name, operator, function, inputs=1, **attributes):
    case(name, lambda net: net.add(operator, [net.data] * inputs, function, **attributes))


case("convolution", lambda net: convolution(net, net.data, 5, (3, 2), (2, 1), (1, 2)))
case("convolution_layout", lambda net: convolution(net, net.data, 4, (3, 3), layout="NCHW"))
case("convolution_groups", lambda net: convolution(
    net, convolution(net, net.data, 6, (1, 1)), 4, (3, 3), pad=(1, 1), group=2, bias=False))
case("convolution_dilate", lambda net: convolution(net, net.data, 3, (3, 2), dilate=(2, 3)))
case("dense", lambda net: dense(net, convolution(net, net.data, 4, (3, 3)), 7))
case("dense_no_bias", lambda net: dense(net, dense(net, net.data, 5, flatten=True), 3, False,
                                        flatten=False))
case("batch_norm_fixed", lambda net: batch_norm(net, convolution(net, net.data, 4, (1, 1)), True))
case("batch_norm_gamma", lambda net: batch_norm(net, net.data, False, 0.25, fix_gamma=False,
                                                use_global_stats=True))
case("batch_norm_dense", lambda net: batch_norm(net, dense(net, net.data, 6), False,
                                                fix_gamma="0"))
case("batch_norm_v1", lambda net: batch_norm(net, net.data, False, operator="BatchNorm_v1",
                                             fix_gamma=False))
case("batch_norm_old", lambda net: batch_norm(net, net.data, False, missing=2, fix_gamma=False),
     key="param", version=0)
for kind, function in (("relu", F.relu), ("sigmoid", torch.sigmoid), ("tanh", torch.tanh)):
    case("activation_" + kind, lambda net, k=kind, f=function: activation(net, net.data, k, f))
    operators_of_data("operator_" + kind, kind, function)
operators_of_data("leaky", "LeakyReLU", lambda t: F.leaky_relu(t, 0.1), act_type="leaky",
                  slope=0.1)
operators_of_data("leaky_default", "LeakyReLU", lambda t: F.leaky_relu(t, 0.25))
operators_of_data("elu", "LeakyReLU", lambda t: F.elu(t, 0.7), act_type="elu", slope=0.7)
operators_of_data("rrelu", "LeakyReLU", lambda t: F.leaky_relu(t, 0.2), act_type="rrelu",
                  lower_bound=0.1, upper_bound=0.3)
case("prelu", lambda net: net.add("LeakyReLU", [net.data], F.prelu, [("gamma", net.normal(3))],
                                  act_type="prelu"))
case("prelu_single", lambda net: net.add("LeakyReLU", [net.data], F.prelu,
                                         [("gamma", net.normal(1))], act_type="prelu"))
case("pool_max", lambda net: pool(net, net.data, "max", (3, 2), (2, 2)))
case("pool_max_padded", lambda net: pool(net, net.data, "max", (3, 3), (2, 2), (1, 1)))
case("pool_max_full", lambda net: pool(net, net.data, "max", (2, 3), (3, 2), full=True))
case("pool_average", lambda net: pool(net, net.data, "avg", (2, 3), (2, 1)))
case("pool_average_padded", lambda net: pool(net, net.data, "avg", (3, 3), (2, 2), (1, 1)))
case("pool_average_excluded", lambda net: pool(net, net.data, "avg", (3, 3), (2, 2), (1, 1),
                                               count_include_pad=False))
case("pool_average_full", lambda net: pool(net, net.data, "avg", (3, 3), (3, 2), (1, 1), True))
case("pool_v1_average_full", lambda net: net.add(
    "Pooling_v1", [net.data], lambda t: whole_average_pool(t, (3, 4), (3, 3)), pool_type="avg",
    kernel=(3, 4), stride=(3, 3), pooling_convention="full"))
case("pool_v1_max", lambda net: pool(net, net.data, "max", (3, 3), (2, 2), operator="Pooling_v1"))
operators_of_data("pool_global", "Pooling", lambda t: t.amax((2, 3), keepdim=True),
                  global_pool=True, pool_type="max", kernel=(2, 2), stride=(5, 5))
operators_of_data("pool_adaptive", "_contrib_AdaptiveAvgPooling2D",
                  lambda t: t.mean((2, 3), keepdim=True))
operators_of_data("mean", "mean", lambda t: t.mean((2, 3)), axis="(2, 3)")
operators_of_data("mean_kept", "mean", lambda t: t.mean((2, 3), keepdim=True), axis="(-1, -2)",
                  keepdims=True)
operators_of_data("concat", "Concat", lambda *t: torch.cat(t, 1), inputs=3, num_args=3)
operators_of_data("concat_width", "concat", lambda *t: torch.cat(t, 3), inputs=2, dim=3)
for operator, function in (("elemwise_add", torch.add), ("_Plus", torch.add), ("_plus", torch.add),
                           ("elemwise_sub", torch.sub), ("_Minus", torch.sub),
                           ("elemwise_mul", torch.mul), ("broadcast_sub", torch.sub),
                           ("broadcast_plus", torch.add)):
    case("binary_" + operator.strip("_").lower() + ("_old" if operator[1].isupper() else ""),
         lambda net, o=operator, f=function: net.add(
             o, [net.data, convolution(net, net.data, 3, (1, 1))], f))
case("binary_divide", lambda net: net.add(
    "broadcast_div", [net.data, scalar(net, activation(net, net.data, "sigmoid", torch.sigmoid),
                                       "_plus_scalar", 1, lambda t: t + 1)], torch.div))
case("excitation", lambda net: channel_scale(net, convolution(net, net.data, 4, (1, 1))))
for name, operator, function in (
        ("add", "broadcast_add", torch.add), ("multiply", "broadcast_mul", torch.mul),
        ("subtract", "broadcast_sub", torch.sub), ("divide", "broadcast_div", torch.div)):
    case("parameter_" + name, lambda net, o=operator, f=function: net.add(
        o, [net.data], f, [("constant", net.normal(1, 3, 1, 1) + 2)]))
operators_of_data("add_n", "add_n", lambda *t: sum(t), inputs=3, num_args=3)
operators_of_data("add_n_old", "ElementWiseSum", lambda *t: sum(t), inputs=2, num_args=2)
for operator, function in (
        ("_plus_scalar", lambda t: t + 1.5), ("_PlusScalar", lambda t: t + 1.5),
        ("_minus_scalar", lambda t: t - 1.5), ("_rminus_scalar", lambda t: 1.5 - t),
        ("_RMinusScalar", lambda t: 1.5 - t), ("_mul_scalar", lambda t: t * 1.5),
        ("_MulScalar", lambda t: t * 1.5), ("_div_scalar", lambda t: t / 1.5),
        ("_maximum_scalar", lambda t: t.clamp(min=1.5)),
        ("_MinimumScalar", lambda t: t.clamp(max=1.5))):
    old = "_old" if operator[1].isupper() else ""
    case("scalar_" + operator.lower().strip("_").replace("_", "").replace("scalar", "") + old,
         lambda net, o=operator, f=function: scalar(net, net.data, o, 1.5, f))
operators_of_data("negative", "negative", torch.neg)
operators_of_data("clip", "clip", lambda t: t.clamp(-0.5, 1.25), a_min=-0.5, a_max=1.25)
operators_of_data("hard_sigmoid", "hard_sigmoid", lambda t: (0.2 * t + 0.5).clamp(0, 1))
case("lrn", lambda net: net.add(
    "LRN", [convolution(net, net.data, 7, (1, 1))], lambda t: lrn(t, 5, 0.5, 0.75, 2), nsize=5,
    alpha=0.5))
case("softmax_output", lambda net: net.add("SoftmaxOutput", [dense(net, net.data, 6)],
                                           lambda t: t.softmax(1)))
operators_of_data("softmax_multi", "SoftmaxOutput", lambda t: t.softmax(1), multi_output=True)
operators_of_data("softmax_channel", "SoftmaxActivation", lambda t: t.softmax(1), mode="channel")
operators_of_data("softmax_axis", "softmax", lambda t: t.softmax(1), axis=1)
operators_of_data("slice_axis", "slice_axis", lambda t: t[:, 1:], axis=1, begin=1, end="None")
operators_of_data("slice_axis_back", "slice_axis", lambda t: t[:, :, 2:-1], axis=2, begin=2,
                  end=-1)
case("slice_channel", lambda net: split(net, convolution(net, net.data, 6, (1, 1)), 3))
operators_of_data("pad_constant", "Pad", lambda t: F.pad(t, (1, 2, 3, 0), value=0.5),
                  mode="constant", pad_width=(0, 0, 0, 0, 3, 0, 1, 2), constant_value=0.5)
operators_of_data("pad_edge", "pad", lambda t: F.pad(t, (1, 2, 0, 1), "replicate"), mode="edge",
                  pad_width=(0, 0, 0, 0, 0, 1, 1, 2))
operators_of_data("pad_reflect", "Pad", lambda t: F.pad(t, (1, 2, 0, 1), "reflect"),
                  mode="reflect", pad_width=(0, 0, 0, 0, 0, 1, 1, 2))
operators_of_data("flatten", "Flatten", lambda t: t.flatten(1))
operators_of_data("reshape_flat", "Reshape", lambda t: t.flatten(1), shape=(0, -1))
operators_of_data("reshape_batch", "Reshape", lambda t: t.flatten(1), shape=(-1, 126))
operators_of_data("reshape_target", "Reshape", lambda t: t.flatten(1), target_shape=(0, 126))
operators_of_data("reshape_map", "reshape", lambda t: t.reshape(IMAGES, 6, 3, 7),
                  shape="[0, 6, 3, -1]")
case("shuffle", lambda net: shuffle(net, convolution(net, net.data, 6, (1, 1)), 2))
operators_of_data("transpose", "transpose", lambda t: t.permute(0, 2, 3, 1), axes=(0, 2, 3, 1))
case("expand_dims", lambda net: net.add(
    "expand_dims", [net.add("expand_dims", [dense(net, net.data, 4)], lambda t: t[:, :, None],
                            axis=2)], lambda t: t[:, :, :, None], axis=-1))
case("passed_over", lambda net: net.add(
    "_copy", [net.add("Dropout", [net.add("BlockGrad", [convolution(net, net.data, 4, (3, 3))],
                                          lambda t: t)], lambda t: t, p=0.5)], lambda t: t))
for name, version in (("v0", 0), ("v1", V1), ("v3", V3)):
    case("params_" + name, lambda net: convolution(net, net.data, 4, (3, 3)), version=version)
case("params_double", lambda net: convolution(net, net.data, 4, (3, 3)), kind="<f8")
case("params_half", lambda net: dense(net, convolution(net, net.data, 4, (3, 3)), 5), kind="<f2")
case("params_plain_names", lambda net: convolution(net, net.data, 4, (3, 3)), prefixes=False)
case("key_param", lambda net: pool(net, convolution(net, net.data, 4, (3, 3)), "max", (2, 2),
                                   (2, 2)), key="param")
case("key_attr", lambda net: pool(net, convolution(net, net.data, 4, (3, 3)), "max", (2, 2),
                                  (2, 2)), key="attr")
case("stored_shape", lambda net: convolution(net, net.data, 4, (3, 3)), stored_shape=True,
     size=(9, 5))
case("usual_side", lambda net: dense(net, convolution(net, net.data, 2, (5, 5), (4, 4)), 3),
     size=(28, 28))
case("grey", lambda net: convolution(net, net.data, 4, (3, 3)), channels=1)

if __name__ == "__main__":
    os.makedirs(OUTPUT, exist_ok=True)
    for name in sys.argv[1:] or CASES:
        build, settings = CASES[name]
        network = Network(name, **settings)
        # A network that says how many channels it takes: a convolution that changes nothing.
        if not any("onvolution" in part for part in name.split("_")):
            keep = np.zeros((network.data.tensor.shape[1],) * 2 + (1, 1))
            keep[range(len(keep)), range(len(keep))] = 1
            network.data = network.add("Convolution", [network.data], F.conv2d,
                                       [("weight", keep)], kernel=(1, 1), num_filter=len(keep),
                                       no_bias=True)
        network.save(name, build(network))
