#!/usr/bin/env python3
"""Writes the golden cases of test_keras_cases.c into golden-keras/.

usage: make_keras_cases.py [NAME ...]

Not part of the tests: run by hand when a case is added. Needs Debian's python3-torch and
python3-h5py. small_keras.py says how the files come about.

A case is a small network NAME.h5 (or .keras) whose last layer is "result"; NAME.out.npy holds
what that layer gives for the images of seeded_images(), float32 [n][numbers], in the order of the
network.
"""

import os
import sys
import zipfile

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
OUTPUT = os.path.join(HERE, "golden-keras")
IMAGES = 2
sys.path.insert(0, HERE)

import small_keras as keras
from small_keras import (Activation, Add, Average, AveragePooling2D, BatchNormalization,
                         Concatenate, Conv2D, Cropping2D, Dense, DepthwiseConv2D, Dropout, ELU,
                         Flatten, GlobalAveragePooling2D, GlobalMaxPooling2D, Input, LeakyReLU,
                         MaxPooling2D, Model, Multiply, Normalization, PReLU, Permute, ReLU,
                         Rescaling, Reshape, SeparableConv2D, Sequential, Softmax, Subtract,
                         ThresholdedReLU, ZeroPadding2D, seeded_images)

CASES = {}


def case(name, make, save=keras.save_model, shape=(3, 9, 8), first=False, ending="h5", **options):
    """`make` gives the model; `first`: its data has the channels first."""
    assert name not in CASES, name
    CASES[name] = dict(make=make, save=save, shape=shape, first=first, ending=ending,
                       options=options)


def image():
    channels, height, width = keras.IMAGES.shape[1:]
    first = keras.FORMAT == "channels_first"
    return Input((channels, height, width) if first else (height, width, channels), name="image")


def layers(*makers):
    """A model of layers one behind the other; each maker gives a layer."""
    def make():
        start = x = image()
        for maker in makers:
            x = maker()(x)
        return Model(start, x)
    return make


# Layers ------------------------------------------------------------------------------------------

case("conv2d", layers(lambda: Conv2D(5, 3, name="result")))
case("conv2d_same_even", layers(lambda: Conv2D(5, 4, strides=2, padding="same", name="result")))
case("conv2d_same_stride3", layers(lambda: Conv2D(4, (3, 5), strides=3, padding="same",
                                                  activation="relu", name="result")))
case("conv2d_dilated", layers(lambda: Conv2D(4, 3, dilation_rate=2, padding="same",
                                             use_bias=False, name="result")))
case("conv2d_groups", layers(lambda: Conv2D(6, 3, groups=2, name="result")), shape=(4, 7, 7))
case("conv2d_swish", layers(lambda: Conv2D(4, 3, activation="swish", name="result")))
case("conv2d_selu", layers(lambda: Conv2D(4, 3, activation="selu", name="result")))
case("conv2d_first", layers(lambda: Conv2D(5, 3, padding="same", name="result")), first=True)
case("depthwise", layers(lambda: DepthwiseConv2D(3, padding="same", strides=2, name="result")))
case("depthwise_multiplier", layers(lambda: DepthwiseConv2D(3, depth_multiplier=2,
                                                            activation="relu6", name="result")))
case("separable", layers(lambda: SeparableConv2D(6, 3, padding="same", depth_multiplier=2,
                                                 name="result")))
case("separable_plain", layers(lambda: SeparableConv2D(6, (3, 2), use_bias=False, name="result")))
case("dense", layers(Flatten, lambda: Dense(7, name="result")), shape=(2, 3, 4))
case("dense_plain", layers(Flatten, lambda: Dense(7, activation="tanh", use_bias=False,
                                                  name="result")), shape=(2, 3, 4))
case("batch_norm", layers(lambda: BatchNormalization(name="result")))
case("batch_norm_unscaled", layers(lambda: BatchNormalization(scale=False, axis=3, epsilon=0.1,
                                                              name="result")))
case("batch_norm_uncentred", layers(lambda: BatchNormalization(center=False, name="result")))
case("batch_norm_vector", layers(Flatten, lambda: Dense(6),
                                 lambda: BatchNormalization(name="result")), shape=(2, 3, 4))
case("batch_norm_first", layers(lambda: Conv2D(4, 1), lambda: BatchNormalization(axis=1,
                                                                                 name="result")),
     first=True)
for name in ("relu", "relu6", "sigmoid", "hard_sigmoid", "tanh", "elu", "softmax", "linear"):
    case(f"activation_{name}", layers(lambda name=name: Activation(name, name="result")),
         shape=(4, 2, 3))
case("relu_maximum", layers(lambda: ReLU(1.5, name="result")))
case("relu_slope", layers(lambda: ReLU(None, 0.2, name="result")))
case("relu_slope_maximum", layers(lambda: ReLU(1.0, 0.2, name="result")))
case("relu_threshold", layers(lambda: ReLU(1.5, 0.1, 0.5, name="result")))
case("relu_thresholded", layers(lambda: ThresholdedReLU(0.75, name="result")))
case("leaky_relu", layers(lambda: LeakyReLU(0.1, name="result")))
case("leaky_relu_ndarray", layers(lambda: LeakyReLU({"type": "ndarray", "value": 0.1},
                                                    name="result")))
case("elu", layers(lambda: ELU(0.7, name="result")))
case("prelu", layers(lambda: PReLU(shared_axes=[1, 2], name="result")))
case("prelu_vector", layers(Flatten, lambda: Dense(5), lambda: PReLU(name="result")),
     shape=(2, 3, 4))
case("softmax_layer", layers(lambda: Softmax(name="result")), shape=(4, 2, 3))
case("max_pool", layers(lambda: MaxPooling2D(name="result")))
case("max_pool_same", layers(lambda: MaxPooling2D(3, 2, "same", name="result")))
case("max_pool_same_even", layers(lambda: MaxPooling2D((2, 4), (1, 3), "same", name="result")))
case("average_pool", layers(lambda: AveragePooling2D((3, 2), 2, name="result")))
case("average_pool_same", layers(lambda: AveragePooling2D(3, 1, "same", name="result")))
case("global_average", layers(lambda: GlobalAveragePooling2D(name="result")))
case("global_maximum", layers(lambda: GlobalMaxPooling2D(name="result")))
case("global_average_first", layers(lambda: GlobalAveragePooling2D(name="result")), first=True)
case("padding_one", layers(lambda: ZeroPadding2D(2, name="result")))
case("padding_two", layers(lambda: ZeroPadding2D((1, 2), name="result")))
case("padding_four", layers(lambda: ZeroPadding2D(((0, 1), (2, 3)), name="result")))
case("cropping", layers(lambda: Cropping2D(((1, 2), (0, 3)), name="result")))
case("flatten", layers(lambda: Conv2D(4, 3), lambda: Flatten(name="result")))
case("flatten_first", layers(lambda: Conv2D(4, 3), lambda: Flatten(name="result")), first=True)


def moving_flatten():
    flatten = Flatten(name="result")
    flatten.config["data_format"] = keras.FORMAT
    return flatten


case("flatten_moving", layers(lambda: Conv2D(4, 3), moving_flatten), first=True)
case("reshape_map", layers(lambda: Reshape([4, 9, 6], name="result")))
case("reshape_free", layers(lambda: Reshape([-1, 6], name="r"), lambda: Reshape([9, 24], name="s"),
                            lambda: Flatten(name="result")))
case("reshape_first", layers(lambda: Conv2D(3, 1), lambda: Reshape([6, 4, 9], name="result")),
     first=True)
case("reshape_pixel", layers(GlobalAveragePooling2D, lambda: Reshape([1, 1, 3]),
                             lambda: Conv2D(4, 1, name="result")))
case("permute", layers(lambda: Permute([2, 3, 1], name="result")))
case("permute_first", layers(lambda: Conv2D(3, 1), lambda: Permute([3, 1, 2], name="result")),
     first=True)
case("shuffle", layers(lambda: Conv2D(6, 1), lambda: Reshape([9, 8, 2, 3]),
                       lambda: Permute([1, 2, 4, 3]), lambda: Reshape([9, 8, 6], name="result")))
case("dropout", layers(lambda: Conv2D(4, 3), lambda: Dropout(0.3, name="result")))
case("rescaling", layers(lambda: Rescaling(1 / 127.5, -1.0, name="result")))
case("rescaling_channels", layers(lambda: Rescaling([1.0, 2.0, 3.0], [0.5, 0.25, 0.0],
                                                    name="result")))
case("normalization", layers(lambda: Normalization(name="result")))


# Models ------------------------------------------------------------------------------------------


def merged(kind, **settings):
    def make():
        start = image()
        branches = [Conv2D(4, 1, name=f"branch_{i}")(start) for i in range(3)]
        return Model(start, kind(name="result", **settings)(
            branches[:2] if kind is Subtract else branches))
    return make


for kind in (Add, Average, Multiply, Subtract, Concatenate):
    case(f"merge_{kind.__name__.lower()}", merged(kind))
case("merge_height", merged(Concatenate, axis=1))
case("merge_first", merged(Concatenate, axis=1), first=True)


def excitation():
    start = image()
    x = Conv2D(6, 3, name="conv")(start)
    gate = Reshape([1, 1, 6], name="squeeze")(GlobalAveragePooling2D(name="pool")(x))
    gate = Conv2D(6, 1, activation="sigmoid", name="excite")(gate)
    return Model(start, Multiply(name="result")([x, gate]))


case("excitation", excitation)


def shared():
    """One layer is called twice."""
    start = image()
    conv = Conv2D(3, 3, padding="same", activation="relu", name="conv")
    return Model(start, Add(name="result")([conv(conv(start)), start]))


case("shared_layer", shared)


def residual():
    """A network of some depth with a classifier."""
    start = image()
    x = Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(start)
    x = Activation("relu", name="stem_relu")(BatchNormalization(name="stem_bn")(x))
    for block in range(2):
        y = Conv2D(8, 3, padding="same", name=f"block{block}_conv")(x)
        y = BatchNormalization(name=f"block{block}_bn")(y)
        x = Activation("relu", name=f"block{block}_relu")(Add(name=f"block{block}_add")([x, y]))
    x = GlobalAveragePooling2D(name="result")(x)
    return Model(start, Dense(5, activation="softmax", name="predictions")(x))


case("residual", residual)
case("residual_split_names", residual, split=4)
case("residual_compressed", residual, compression="gzip", shuffle=True)


def backbone(name, inner="features"):
    start = image()
    x = Conv2D(6, 3, strides=2, padding="same", use_bias=False, name="conv1")(start)
    x = BatchNormalization(name="bn1")(x)
    x = ReLU(6.0, name="relu1")(x)
    x = DepthwiseConv2D(3, padding="same", name=f"{inner}/conv")(x)
    return start, Model(start, BatchNormalization(name=f"{inner}/bn")(x), name=name)


def nested():
    """A backbone as a layer of a model, as people train on."""
    start, inner = backbone("backbone")
    outer = image()
    x = GlobalAveragePooling2D(name="result")(inner(outer))
    return Model(outer, Dense(3, activation="softmax", name="head")(x))


def nested_sequential():
    """A Sequential of a Sequential of a Functional model."""
    start, inner = backbone("backbone")
    x = GlobalMaxPooling2D(name="result")
    first = Sequential([start, inner, x], name="first")
    return Sequential([start, first, Dense(4, name="head")], name="all")


case("nested", nested)
case("nested_sequential", nested_sequential)

# Files of Keras 1 --------------------------------------------------------------------------------

old = layers(lambda: ZeroPadding2D(1), lambda: Conv2D(6, 3, strides=2),
             lambda: BatchNormalization(axis=3 if keras.FORMAT == "channels_last" else 1),
             lambda: Activation("relu"), lambda: MaxPooling2D(2),
             lambda: Conv2D(5, (1, 2), padding="same"), lambda: Dropout(0.5), Flatten,
             lambda: Dense(6, activation="relu", name="result"))


def old_sequential():
    """The same layers, called once, as a Sequential."""
    model = old()
    wrapped = Sequential.__new__(Sequential)
    keras.Layer.__init__(wrapped, name="sequential_1")
    wrapped.layers, wrapped.outputs = model.layers, model.outputs
    return wrapped


case("keras1", old, save=keras.save_old_model)
case("keras1_first", old, save=keras.save_old_model, first=True)
case("keras1_sequential", old_sequential, save=keras.save_old_model)
for kind in (Add, Average, Multiply, Concatenate):
    case(f"keras1_{kind.__name__.lower()}", merged(kind), save=keras.save_old_model)
case("keras1_separable", layers(lambda: SeparableConv2D(6, 3, name="result")),
     save=keras.save_old_model)

# Files of Keras 3 --------------------------------------------------------------------------------

case("keras3", residual, save=keras.save_new_model, ending="keras")
case("keras3_nested", nested, save=keras.save_new_model, ending="keras")
case("keras3_deflated", nested, save=keras.save_new_model, ending="keras",
     compression=zipfile.ZIP_DEFLATED)
case("keras3_first_versions", nested, save=keras.save_new_model, ending="keras",
     word="_layer_checkpoint_dependencies")
case("keras3_sequential", nested_sequential, save=keras.save_new_model, ending="keras")
case("keras3_classes", layers(lambda: PReLU(shared_axes=[1, 2]), lambda: LeakyReLU(0.2),
                              lambda: Activation("hard_silu"), lambda: Normalization(),
                              lambda: PReLU(shared_axes=[1, 2], name="result")),
     save=keras.save_new_model, ending="keras")


def write(name, settings):
    keras.reset(seeded_images(IMAGES, *settings["shape"]), seed=len(name) + 7,
                data_format="channels_first" if settings["first"] else "channels_last")
    path = os.path.join(OUTPUT, name)
    model = settings["make"]()
    values = keras.layer_values(model)["result"]
    settings["save"](f"{path}.{settings['ending']}", model, **settings["options"])
    if os.path.exists(f"{path}.keras.weights"):
        os.remove(f"{path}.keras.weights")
    np.save(f"{path}.out.npy", values.reshape(len(values), -1).astype(np.float32))


torch.set_grad_enabled(False)
os.makedirs(OUTPUT, exist_ok=True)
for name, settings in CASES.items():
    if not sys.argv[1:] or name in sys.argv[1:]:
        write(name, settings)
print(f"{len(CASES)} cases")
