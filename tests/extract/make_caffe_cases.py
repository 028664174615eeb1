#!/usr/bin/env python3
"""Writes the golden cases of Caffe's reader for test_operators.c into golden-caffe/.

usage: make_caffe_cases.py [NAME ...]

Not part of the tests: run by hand when a case is added. python3-opencv and python3-numpy come
from the distribution.

Every case is a small network NAME.prototxt with weights NAME.caffemodel, an input "data" and a
last blob "result". NAME.out.npy holds what OpenCV's dnn module, which has a reader for Caffe of
its own, makes of the images, float32 [n][numbers of "result"]; where OpenCV lacks a layer or
departs from Caffe, what a few lines of NumPy here make of them. The images are not stored:
seeded_images() gives them, as in make_operator_cases.py. Weights are seeded by the case's name.
"""

import os
import struct
import sys
import tempfile
import zlib

import cv2
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
OUTPUT = os.path.join(HERE, "golden-caffe")
IMAGES = 2

CASES = {}


# The wire format --------------------------------------------------------------------------------


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    """An integer, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def blob(array, how="packed"):
    """A BlobProto. `how`: packed, legacy (four dimensions of old), single (a field for every
    number), pieces (packed in two fields), double."""
    array = np.asarray(array, np.float32)
    if how == "legacy":
        dims = [1] * (4 - array.ndim) + list(array.shape)
        out = b"".join(field(1 + i, int(n)) for i, n in enumerate(dims))
    else:
        out = field(7, field(1, b"".join(varint(int(n)) for n in array.shape)))
    data = array.tobytes()
    if how == "double":
        return out + field(8, array.astype(np.float64).tobytes())
    if how == "single":
        return out + b"".join(varint(5 << 3 | 5) + struct.pack("<f", n) for n in array.flat)
    if how == "pieces":
        return out + field(5, data[:4]) + field(5, data[4:])
    return out + field(5, data)


V1_TYPES = {"Convolution": 4, "InnerProduct": 14, "ReLU": 18, "Pooling": 17, "Softmax": 20,
            "LRN": 15, "Concat": 3, "Dropout": 6, "Eltwise": 25}


def caffemodel(layers, age="now", how="packed"):
    out = field(1, b"case")
    for name, kind, blobs in layers:
        data = [blob(array, how) for array in blobs]
        if age == "v1":
            out += field(2, field(4, name.encode()) + field(5, V1_TYPES[kind]) +
                         b"".join(field(6, item) for item in data))
        elif age == "v0":
            out += field(2, field(1, field(1, name.encode()) + field(2, kind.encode()) +
                                  b"".join(field(50, item) for item in data)))
        else:
            out += field(100, field(1, name.encode()) + field(2, kind.encode()) +
                         b"".join(field(7, item) for item in data))
    return out


# What a case is made of -------------------------------------------------------------------------


class Network:
    """A prototxt in the making."""

    def __init__(self, name, shape):
        self.random = np.random.default_rng(zlib.crc32(name.encode()))
        self.head = ('name: "case"\ninput: "data"\ninput_shape { dim: 1 '
                     + " ".join(f"dim: {n}" for n in shape) + " }\n")
        self.text, self.layers = [], []

    def layer(self, kind, bottom, top, parameters="", blobs=()):
        """`bottom` and `top`: names, with spaces between. `blobs`: shapes, or arrays."""
        name = f"{kind.lower()}{len(self.layers)}"
        arrays = [array.astype(np.float32) if isinstance(array, np.ndarray)
                  else self.random.normal(0, 0.5, array).astype(np.float32) for array in blobs]
        self.layers.append((name, kind, arrays))
        self.text.append(f'layer {{ name: "{name}" type: "{kind}" '
                         + "".join(f'bottom: "{b}" ' for b in bottom.split())
                         + "".join(f'top: "{t}" ' for t in top.split()) + parameters + " }\n")

    def prototxt(self):
        return self.head + "".join(self.text)


def case(name, shape=(3, 9, 8), reference=None, how="packed", text=None, age="now", header=None):
    """Decorates a function of a Network. `reference`: a function of the images (and the network)
    instead of OpenCV. `text`, `age`: the prototxt as it is written instead of the one that OpenCV
    gets, and the age of the .caffemodel. `header`: instead of the input fields."""
    def add(build):
        assert name not in CASES, name
        CASES[name] = dict(shape=shape, build=build, reference=reference, how=how, text=text,
                           age=age, header=header)
        return build
    return add


def single(name, kind, parameters="", blobs=(), **settings):
    """A case of one layer."""
    case(name, **settings)(lambda net: net.layer(kind, "data", "result", parameters, blobs))


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


# NumPy, after the loops of Caffe's layers -------------------------------------------------------


def pooled(length, kernel, stride, pad, floor=False):
    size = (length + 2 * pad - kernel) / stride
    size = int(np.floor(size) if floor else np.ceil(size)) + 1
    return size - 1 if pad and (size - 1) * stride >= length + pad else size


def pooling(maximum, kernel, stride, pad=(0, 0), floor=False):
    def run(images, _=None):
        n, c, height, width = images.shape
        rows, columns = (pooled(images.shape[2 + i], kernel[i], stride[i], pad[i], floor)
                         for i in range(2))
        out = np.zeros((n, c, rows, columns))
        for y in range(rows):
            for x in range(columns):
                top, left = y * stride[0] - pad[0], x * stride[1] - pad[1]
                bottom = min(top + kernel[0], height + pad[0])
                right = min(left + kernel[1], width + pad[1])
                size = (bottom - top) * (right - left)
                window = images[:, :, max(top, 0):min(bottom, height),
                                max(left, 0):min(right, width)].astype(np.float64)
                out[:, :, y, x] = (window.max((2, 3)) if maximum
                                   else window.sum((2, 3)) / size)
        return out
    return run


def lrn_across(size, alpha, beta, k):
    def run(images, _):
        squares = np.pad(images.astype(np.float64) ** 2,
                         ((0, 0), (size // 2, size // 2), (0, 0), (0, 0)))
        sums = sum(squares[:, i:i + images.shape[1]] for i in range(size))
        return images * (k + alpha / size * sums) ** -beta
    return run


def lrn_within(size, alpha, beta):
    def run(images, _=None):
        x = images.astype(np.float64)
        squares = pooling(False, (size, size), (1, 1), (size // 2, size // 2))(x * x)
        return x * (1 + alpha * squares) ** -beta
    return run


# Cases ------------------------------------------------------------------------------------------


single("conv", "Convolution", "convolution_param { num_output: 5 kernel_size: 3 pad: 1 stride: 2 }",
       [(5, 3, 3, 3), (5,)])
single("conv_no_bias", "Convolution",
       "convolution_param { num_output: 5 kernel_size: 3 bias_term: false }", [(5, 3, 3, 3)])
single("conv_group", "Convolution",
       "convolution_param { num_output: 6 kernel_size: 3 pad: 1 group: 3 }", [(6, 2, 3, 3), (6,)],
       shape=(6, 7, 6))
single("conv_dilated", "Convolution",
       "convolution_param { num_output: 4 kernel_size: 3 pad: 2 dilation: 2 }",
       [(4, 3, 3, 3), (4,)])
single("conv_rectangle", "Convolution",
       "convolution_param { num_output: 4 kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 2 "
       "pad_h: 2 pad_w: 1 }", [(4, 3, 3, 2), (4,)])
single("conv_repeated", "Convolution",
       "convolution_param { num_output: 4 kernel_size: 3 kernel_size: 2 stride: 1 stride: 2 "
       "pad: 2 pad: 1 }", [(4, 3, 3, 2), (4,)])
single("conv_depthwise", "Convolution",
       "convolution_param { num_output: 6 kernel_size: 3 pad: 1 group: 6 }",
       [(6, 1, 3, 3), (6,)], shape=(6, 7, 6))

for method in ("MAX", "AVE"):
    maximum = method == "MAX"
    low = method.lower()
    single(f"pool_{low}", "Pooling", f"pooling_param {{ pool: {method} kernel_size: 3 stride: 2 }}",
           reference=pooling(maximum, (3, 3), (2, 2)))
    single(f"pool_{low}_ceil", "Pooling",
           f"pooling_param {{ pool: {method} kernel_size: 3 stride: 3 }}", shape=(3, 10, 11),
           reference=pooling(maximum, (3, 3), (3, 3)))
    # The last window would begin in the padding behind the map, which cuts it off.
    single(f"pool_{low}_clipped", "Pooling",
           f"pooling_param {{ pool: {method} kernel_size: 2 stride: 2 pad: 1 }}",
           shape=(3, 5, 7), reference=pooling(maximum, (2, 2), (2, 2), (1, 1)))
    single(f"pool_{low}_padded", "Pooling",
           f"pooling_param {{ pool: {method} kernel_size: 3 stride: 2 pad: 1 }}",
           shape=(3, 8, 10), reference=pooling(maximum, (3, 3), (2, 2), (1, 1)))
    single(f"pool_{low}_rectangle", "Pooling",
           f"pooling_param {{ pool: {method} kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 3 "
           "pad_h: 1 pad_w: 0 }", shape=(3, 8, 11),
           reference=pooling(maximum, (3, 2), (2, 3), (1, 0)))
    single(f"pool_{low}_global", "Pooling",
           f"pooling_param {{ pool: {method} global_pooling: true }}",
           reference=pooling(maximum, (9, 8), (1, 1)))
    single(f"pool_{low}_floor", "Pooling",
           f"pooling_param {{ pool: {method} kernel_size: 3 stride: 2 round_mode: FLOOR }}",
           shape=(3, 8, 10), reference=pooling(maximum, (3, 3), (2, 2), floor=True))

single("relu", "ReLU")
single("relu_slope", "ReLU", "relu_param { negative_slope: 0.1 }")
single("prelu", "PReLU", blobs=[(3,)])
single("prelu_shared", "PReLU", "prelu_param { channel_shared: true }", [(1,)])
single("elu", "ELU", "elu_param { alpha: 0.7 }")
single("sigmoid", "Sigmoid")
single("tanh", "TanH")
single("power_linear", "Power", "power_param { scale: 2 shift: 0.5 }")
single("power_square", "Power", "power_param { power: 2 scale: -0.5 shift: 0.25 }")
single("power_root", "Power", "power_param { power: 0.5 scale: 0.25 shift: 1 }")
single("power_none", "Power", "power_param { power: 0 }",
       reference=lambda x, _: np.ones_like(x))
single("clip", "Clip", "clip_param { min: -0.5 max: 1.25 }",
       reference=lambda x, _: np.clip(x, -0.5, 1.25))
single("lrn", "LRN", "lrn_param { local_size: 5 alpha: 0.5 beta: 0.6 }", shape=(9, 4, 5))
# OpenCV does not read k.
single("lrn_k", "LRN", "lrn_param { local_size: 5 alpha: 0.5 beta: 0.6 k: 2 }", shape=(9, 4, 5),
       reference=lrn_across(5, 0.5, 0.6, 2))
single("lrn_within", "LRN",
       "lrn_param { local_size: 3 alpha: 0.5 beta: 0.6 norm_region: WITHIN_CHANNEL }",
       reference=lrn_within(3, 0.5, 0.6))
single("batch_norm", "BatchNorm", "batch_norm_param { eps: 0.001 }",
       [np.float32([2, -3, 1]), np.float32([4, 9, 2]), np.float32([3])])
single("batch_norm_empty", "BatchNorm", "",
       [np.float32([0, 0, 0]), np.float32([0, 0, 0]), np.float32([0])],
       reference=lambda x, _: x / np.sqrt(1e-5))
single("scale", "Scale", blobs=[(3,)])
single("scale_bias", "Scale", "scale_param { bias_term: true }", [(3,), (3,)])
single("scale_scalar", "Scale", "scale_param { num_axes: 0 bias_term: true }",
       [np.array(1.5), np.array(-0.5)], reference=lambda x, _: 1.5 * x - 0.5)
single("bias", "Bias", blobs=[(3,)],
       reference=lambda x, net: x + net.layers[0][2][0][:, None, None])
single("flatten", "Flatten")
single("flatten_axes", "Flatten", "flatten_param { axis: 2 end_axis: 3 }")
single("reshape", "Reshape", "reshape_param { shape { dim: 0 dim: -1 dim: 4 } }")
single("reshape_axes", "Reshape",
       "reshape_param { shape { dim: 2 dim: -1 } axis: 2 num_axes: 1 }", shape=(3, 8, 5),
       reference=lambda x, _: x)
single("softmax", "Softmax")
single("inner_product", "InnerProduct", "inner_product_param { num_output: 7 }",
       [(7, 216), (7,)])
single("inner_product_transposed", "InnerProduct",
       "inner_product_param { num_output: 7 transpose: true bias_term: false }", [(216, 7)],
       reference=lambda x, net: x.reshape(len(x), -1) @ net.layers[0][2][0])

for how in ("legacy", "single", "pieces", "double"):
    case(f"stored_{how}", how=how)(lambda net: (
        net.layer("Convolution", "data", "c", "convolution_param { num_output: 4 kernel_size: 3 }",
                  [(4, 3, 3, 3), (4,)]),
        net.layer("InnerProduct", "c", "result", "inner_product_param { num_output: 3 }",
                  [(3, 168), (3,)])))


@case("eltwise_sum")
def _(net):
    net.layer("Power", "data", "p", "power_param { scale: 3 shift: 1 }")
    net.layer("Eltwise", "data p data", "result", "eltwise_param { coeff: 1 coeff: -0.5 coeff: 2 }")


@case("eltwise_product")
def _(net):
    net.layer("Power", "data", "p", "power_param { scale: 3 shift: 1 }")
    net.layer("Eltwise", "data p", "result", "eltwise_param { operation: PROD }")


@case("eltwise_maximum")
def _(net):
    net.layer("Power", "data", "p", "power_param { scale: -3 shift: 1 }")
    net.layer("Power", "data", "q", "power_param { scale: 0.5 shift: 0.75 }")
    net.layer("Eltwise", "data p q", "result", "eltwise_param { operation: MAX }")


@case("eltwise_maximum_flat")
def _(net):
    net.layer("Flatten", "data", "f")
    net.layer("Power", "f", "p", "power_param { scale: -3 shift: 1 }")
    net.layer("Eltwise", "f p", "result", "eltwise_param { operation: MAX }")


@case("concat")
def _(net):
    net.layer("Power", "data", "p", "power_param { scale: 3 shift: 1 }")
    net.layer("Concat", "data p", "result")


@case("concat_rows")
def _(net):
    net.layer("Power", "data", "p", "power_param { scale: 3 shift: 1 }")
    net.layer("Concat", "p data", "result", "concat_param { axis: 2 }")


@case("slice_points", shape=(6, 5, 4))
def _(net):
    net.layer("Slice", "data", "a b c", "slice_param { slice_point: 1 slice_point: 4 }")
    net.layer("Concat", "c a b", "result")


@case("slice_even", shape=(6, 5, 4))
def _(net):
    net.layer("Slice", "data", "a b")
    net.layer("Eltwise", "a b", "result", "eltwise_param { operation: PROD }")


@case("slice_dim", shape=(3, 6, 4), reference=lambda x, _: x[:, :, :2] * x[:, :, 2:4] * x[:, :, 4:])
def _(net):
    net.layer("Slice", "data", "a b c",
              "slice_param { slice_dim: 2 slice_point: 2 slice_point: 4 }")
    net.layer("Eltwise", "a b c", "result", "eltwise_param { operation: PROD }")


def gates(images, net):
    x = images.astype(np.float64)
    weights = [array.astype(np.float64) for array in net.layers[1][2]]
    gate = 1 / (1 + np.exp(-(x.mean((2, 3)) @ weights[0].T + weights[1])))
    return x, gate[:, :, None, None]


@case("scale_by_gate", reference=lambda x, net: np.multiply(*gates(x, net)))
def _(net):
    net.layer("Pooling", "data", "p", "pooling_param { pool: AVE global_pooling: true }")
    net.layer("InnerProduct", "p", "g", "inner_product_param { num_output: 3 }", [(3, 3), (3,)])
    net.layer("Sigmoid", "g", "g")
    net.layer("Scale", "data g", "result", "scale_param { axis: 0 }")


@case("axpy", reference=lambda x, net: np.multiply(*gates(x, net)) + 2 * x)
def _(net):
    net.layer("Pooling", "data", "p", "pooling_param { pool: AVE global_pooling: true }")
    net.layer("Convolution", "p", "g", "convolution_param { num_output: 3 kernel_size: 1 }",
              [(3, 3), (3,)])
    net.layer("Sigmoid", "g", "g")
    net.layer("Power", "data", "t", "power_param { scale: 2 }")
    net.layer("Axpy", "g data t", "result")


@case("shuffle", shape=(6, 3, 2),
      reference=lambda x, _: x.reshape(len(x), 3, 2, 3, 2).transpose(0, 2, 1, 3, 4))
def _(net):
    net.layer("ShuffleChannel", "data", "result", "shuffle_channel_param { group: 3 }")


@case("relu6", reference=lambda x, _: np.clip(4 * x, 0, 6))
def _(net):
    net.layer("Power", "data", "p", "power_param { scale: 4 }")
    net.layer("ReLU6", "p", "result")


@case("net_fire", shape=(3, 23, 23))
def _(net):
    net.layer("Convolution", "data", "c", "convolution_param { num_output: 8 kernel_size: 3 "
              "stride: 2 }", [(8, 3, 3, 3), (8,)])
    net.layer("ReLU", "c", "c")
    net.layer("Pooling", "c", "p", "pooling_param { pool: MAX kernel_size: 3 stride: 2 }")
    net.layer("Convolution", "p", "s", "convolution_param { num_output: 4 kernel_size: 1 }",
              [(4, 8, 1, 1), (4,)])
    net.layer("ReLU", "s", "s")
    net.layer("Convolution", "s", "e1", "convolution_param { num_output: 6 kernel_size: 1 }",
              [(6, 4, 1, 1), (6,)])
    net.layer("ReLU", "e1", "e1")
    net.layer("Convolution", "s", "e3", "convolution_param { num_output: 6 kernel_size: 3 pad: 1 }",
              [(6, 4, 3, 3), (6,)])
    net.layer("ReLU", "e3", "e3")
    net.layer("Concat", "e1 e3", "j")
    net.layer("Dropout", "j", "j")
    net.layer("Convolution", "j", "f", "convolution_param { num_output: 5 kernel_size: 1 }",
              [(5, 12, 1, 1), (5,)])
    net.layer("Pooling", "f", "g", "pooling_param { pool: AVE global_pooling: true }")
    net.layer("Softmax", "g", "result")


@case("net_residual", shape=(3, 12, 12))
def _(net):
    def normalised(bottom, top, inputs, outputs, kernel, pad):
        net.layer("Convolution", bottom, top, f"convolution_param {{ num_output: {outputs} "
                  f"kernel_size: {kernel} pad: {pad} bias_term: false }}",
                  [(outputs, inputs, kernel, kernel)])
        net.layer("BatchNorm", top, top, "batch_norm_param { use_global_stats: true }",
                  [(outputs,), np.abs(net.random.normal(2, 0.5, outputs)).astype(np.float32),
                   np.float32([2])])
        net.layer("Scale", top, top, "scale_param { bias_term: true }", [(outputs,), (outputs,)])
    normalised("data", "a", 3, 6, 3, 1)
    net.layer("ReLU", "a", "a")
    normalised("a", "b", 6, 6, 3, 1)
    normalised("data", "s", 3, 6, 1, 0)
    net.layer("Eltwise", "s b", "e")
    net.layer("ReLU", "e", "e")
    net.layer("Pooling", "e", "result", "pooling_param { pool: AVE kernel_size: 12 }")


# A network of AlexNet's layers, in the three ages of files.
def alexnet(net):
    net.layer("Convolution", "data", "c1", "convolution_param { num_output: 6 kernel_size: 5 "
              "stride: 2 }", [(6, 3, 5, 5), (6,)])
    net.layer("ReLU", "c1", "c1")
    net.layer("LRN", "c1", "n1", "lrn_param { local_size: 3 alpha: 0.1 beta: 0.75 }")
    net.layer("Pooling", "n1", "p1", "pooling_param { pool: MAX kernel_size: 3 stride: 2 }")
    net.layer("Convolution", "p1", "c2", "convolution_param { num_output: 4 pad: 2 "
              "kernel_size: 3 group: 2 }", [(4, 3, 3, 3), (4,)])
    net.layer("ReLU", "c2", "c2")
    net.layer("InnerProduct", "c2", "f", "inner_product_param { num_output: 9 }",
              [(9, 256), (9,)])
    net.layer("Softmax", "f", "result")


V1_TEXT = """name: "case"
layers {
  name: "images" type: DATA top: "data" top: "label"
  data_param { source: "train" crop_size: 27 mean_file: "data/mean.binaryproto" }
  include: { phase: TRAIN }
}
layers {
  name: "images" type: DATA top: "data" top: "label"
  data_param { source: "test" crop_size: 27 mean_file: "data/mean.binaryproto" }
  include: { phase: TEST }
}
layers { name: "convolution0" type: CONVOLUTION bottom: "data" top: "c1" blobs_lr: 1. blobs_lr: 2.
         convolution_param { num_output: 6 kernel_size: 5 stride: 2
                             weight_filler { type: "gaussian" std: 0.01 } } }
layers { name: "relu1" type: RELU bottom: "c1" top: "c1" }
layers { name: "lrn2" type: LRN bottom: "c1" top: "n1"
         lrn_param { local_size: 3 alpha: 0.1 beta: 0.75 norm_region: ACROSS_CHANNELS } }
layers { name: "pooling3" type: POOLING bottom: "n1" top: "p1"
         pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
layers { name: "convolution4" type: 4 bottom: "p1" top: "c2"
         convolution_param: < num_output: 4, pad: 2; kernel_size: 0x3 group: 2 > }
layers { name: "relu5" type: RELU bottom: "c2" top: "c2" }
layers { name: "innerproduct6" type: INNER_PRODUCT bottom: "c2" top: "f"
         inner_product_param { num_output: 9 } }
layers { name: "accuracy" type: ACCURACY bottom: "f" bottom: "label" top: "accuracy"
         include: { phase: TEST } }
layers { name: "loss" type: SOFTMAX_LOSS bottom: "f" bottom: "label" include: { phase: TRAIN } }
layers { name: "prob" type: SOFTMAX bottom: "f" top: 'res' "ult" include: { phase: TEST } }
"""

V0_TEXT = """name: "case"
input: "data"  # as before 2014
input_dim: 10
input_dim: 3
input_dim: 27
input_dim: 27
layers { layer { name: "convolution0" type: "conv" num_output: 6 kernelsize: 5 stride: 2 }
         bottom: "data" top: "c1" }
layers { layer { name: "relu1" type: "relu" } bottom: "c1" top: "c1" }
layers { layer { name: "lrn2" type: "lrn" local_size: 3 alpha: 0.1 beta: 0.75 }
         bottom: "c1" top: "n1" }
layers { layer { name: "pooling3" type: "pool" pool: MAX kernelsize: 3 stride: 2 }
         bottom: "n1" top: "p1" }
layers { layer { name: "pad4" type: "padding" pad: 2 } bottom: "p1" top: "pad4" }
layers { layer { name: "convolution4" type: "conv" num_output: 4 kernelsize: 3 group: 2
                 biasterm: true } bottom: "pad4" top: "c2" }
layers { layer { name: "relu5" type: "relu" } bottom: "c2" top: "c2" }
layers { layer { name: "innerproduct6" type: "innerproduct" num_output: 9 }
         bottom: "c2" top: "f" }
layers { layer { name: "prob" type: "softmax" } bottom: "f" top: "result" }
"""

case("net_now", shape=(3, 27, 27))(alexnet)
case("net_v1", shape=(3, 27, 27), text=V1_TEXT, age="v1", how="legacy")(alexnet)
case("net_v0", shape=(3, 27, 27), text=V0_TEXT, age="v0", how="legacy")(alexnet)

INPUT_LAYER = """name: "case"
layer { name: "first" type: "Input" top: "info" top: "data"
        input_param { shape { dim: 1 dim: 3 } shape { dim: 1 dim: 3 dim: 9 dim: 8 } } }
"""
single("input_layer", "ReLU", header=INPUT_LAYER)


# Writing ----------------------------------------------------------------------------------------


def opencv(net, images, folder):
    text, weights = os.path.join(folder, "a.prototxt"), os.path.join(folder, "a.caffemodel")
    with open(text, "w") as file:
        file.write(net.prototxt())
    with open(weights, "wb") as file:
        file.write(caffemodel(net.layers))
    network = cv2.dnn.readNetFromCaffe(text, weights)
    network.setInput(images)
    return network.forward()


def write(name, settings, folder):
    net = Network(name, settings["shape"])
    settings["build"](net)
    images = seeded_images(IMAGES, *settings["shape"])
    if settings["reference"] is not None:
        result = settings["reference"](images, net)
    else:
        result = opencv(net, images, folder)
    if settings["header"] is not None:
        net.head = settings["header"]
    # Kernels of one pixel may be given as a matrix.
    layers = [(layer, kind, [array.reshape(array.shape + (1, 1))
                             if kind == "Convolution" and array.ndim == 2 else array
                             for array in arrays]) for layer, kind, arrays in net.layers]
    path = os.path.join(OUTPUT, name)
    with open(path + ".prototxt", "w") as file:
        file.write(settings["text"] or net.prototxt())
    with open(path + ".caffemodel", "wb") as file:
        file.write(caffemodel(layers, settings["age"], settings["how"]))
    np.save(path + ".out.npy", np.asarray(result, np.float32).reshape(IMAGES, -1))


def main(names):
    os.makedirs(OUTPUT, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, settings in CASES.items():
            if not names or name in names:
                write(name, settings, folder)


if __name__ == "__main__":
    main(sys.argv[1:])
