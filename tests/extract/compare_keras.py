#!/usr/bin/env python3
"""Runs the networks of Keras Applications, with random weights, through run_network and compares
the vectors with what the architectures' own code gives.

usage: compare_keras.py RUN_NETWORK [NAME ...]
       compare_keras.py --golden

Not part of the tests: run by hand when the Keras reader or an architecture changes. Needs
Debian's python3-torch, python3-h5py and python3-keras-applications (or its folder on PYTHONPATH).

Each network is written three times: as a model of Keras 2, as weights alone with the classifier,
and without. The program says where it cuts; the number printed is the relative L2 distance of its
vectors from those of the layer of that name. What fits worse than 1e-5 ends the run with status 1.

--golden writes what test_keras_reader.c uses: golden-keras/architectures.tsv, the names and shapes
of all weights, and golden-keras/weights/, a very narrow MobileNet without its classifier.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
from keras_applications import (densenet, inception_v3, mobilenet, mobilenet_v2, resnet,
                                resnet50, resnet_v2, vgg16, vgg19)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import small_keras as keras
from small_keras import seeded_images

LIMIT = 1e-5
MODULES = dict(backend=keras.backend, layers=keras.layers, models=keras.models, utils=keras.utils)


def fire(x, index, squeeze, expand):
    """Iandola et al. 2016, as DeepScale's weights were converted for Keras (rcmalli)."""
    axis = 3 if keras.FORMAT == "channels_last" else 1
    name = f"fire{index}/"
    layers = keras.layers
    x = layers.Conv2D(squeeze, 1, name=name + "squeeze1x1")(x)
    x = layers.Activation("relu", name=name + "relu_squeeze1x1")(x)
    left = layers.Conv2D(expand, 1, name=name + "expand1x1")(x)
    left = layers.Activation("relu", name=name + "relu_expand1x1")(left)
    right = layers.Conv2D(expand, 3, padding="same", name=name + "expand3x3")(x)
    right = layers.Activation("relu", name=name + "relu_expand3x3")(right)
    return layers.Concatenate(axis, name=name + "concat")([left, right])


def squeezenet(include_top=True, **_):
    layers = keras.layers
    image = layers.Input(shape=(227, 227, 3))
    x = layers.Conv2D(64, 3, strides=2, name="conv1")(image)
    x = layers.Activation("relu", name="relu_conv1")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    x = fire(fire(x, 2, 16, 64), 3, 16, 64)
    x = layers.MaxPooling2D(3, strides=2, name="pool3")(x)
    x = fire(fire(x, 4, 32, 128), 5, 32, 128)
    x = layers.MaxPooling2D(3, strides=2, name="pool5")(x)
    for index, squeeze, expand in ((6, 48, 192), (7, 48, 192), (8, 64, 256), (9, 64, 256)):
        x = fire(x, index, squeeze, expand)
    x = layers.Dropout(0.5, name="drop9")(x)
    if include_top:
        x = layers.Conv2D(1000, 1, name="conv10")(x)
        x = layers.Activation("relu", name="relu_conv10")(x)
        x = layers.GlobalAveragePooling2D()(x)
        x = layers.Activation("softmax", name="loss")(x)
    return keras.Model(image, x, name="squeezenet")


SIDE = 128

NETWORKS = {  # name: (function, further arguments, side of the images)
    "vgg16": (vgg16.VGG16, {}, 224),
    "vgg19": (vgg19.VGG19, {}, 224),
    "resnet50": (resnet.ResNet50, {}, SIDE),
    "resnet50-old": (resnet50.ResNet50, {}, SIDE),
    "resnet101": (resnet.ResNet101, {}, SIDE),
    "resnet152": (resnet.ResNet152, {}, SIDE),
    "resnet50v2": (resnet_v2.ResNet50V2, {}, SIDE),
    "resnet101v2": (resnet_v2.ResNet101V2, {}, SIDE),
    "resnet152v2": (resnet_v2.ResNet152V2, {}, SIDE),
    "inception_v3": (inception_v3.InceptionV3, {}, 139),
    **{f"mobilenet_{alpha}": (mobilenet.MobileNet, {"alpha": alpha}, SIDE)
       for alpha in (0.25, 0.5, 0.75, 1.0)},
    **{f"mobilenet_v2_{alpha}": (mobilenet_v2.MobileNetV2, {"alpha": alpha}, SIDE)
       for alpha in (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)},
    "densenet121": (densenet.DenseNet121, {}, SIDE),
    "densenet169": (densenet.DenseNet169, {}, SIDE),
    "densenet201": (densenet.DenseNet201, {}, SIDE),
    "squeezenet1.1": (squeezenet, {}, 227),
}
LISTED = ["vgg16", "vgg19", "resnet50", "resnet50-old", "resnet101", "resnet50v2", "inception_v3",
          "mobilenet_0.25", "mobilenet_v2_0.35", "mobilenet_v2_1.4", "densenet121",
          "squeezenet1.1"]
ODD_SIDES = {"mobilenet_0.25": 101, "mobilenet_v2_0.35": 101, "resnet50": 97, "resnet50v2": 97,
             "densenet121": 97, "inception_v3": 107}


def build(name, top, side):
    function, arguments, _ = NETWORKS[name]
    images = np.random.default_rng(1).standard_normal((1, 3, side, side)).astype(np.float32)
    keras.reset(images, seed=len(name))
    model = function(include_top=top, weights=None, input_shape=(side, side, 3), **arguments,
                     **MODULES)
    return model, images


def compare(program, path, model, images, folder):
    given, got = os.path.join(folder, "in.npy"), os.path.join(folder, "out.npy")
    np.save(given, images)
    run = subprocess.run([program, path, given, got], capture_output=True, text=True)
    if run.returncode != 0:
        return f"refused: {run.stderr.strip()}", False
    layer, pooling, _ = run.stdout.strip().split("\t")
    values = keras.layer_values(model)
    expected = values.get(layer, values.get(layer + "_1"))  # counted from 0 since Keras 2.3
    if expected is None:
        return f"cut at '{layer}', which the model does not have", False
    if expected.ndim == 4 and pooling == "avg":
        expected = expected.mean((1, 2))
    expected = expected.reshape(len(images), -1)
    vectors = np.load(got)
    if vectors.shape != expected.shape:
        return f"{layer}: {vectors.shape}, not {expected.shape}", False
    error = np.linalg.norm(vectors - expected) / np.linalg.norm(expected)
    return f"{layer}\t{pooling}\t{vectors.shape[1]}\t{error:.2e}", error <= LIMIT


def write_golden():
    folder = os.path.join(HERE, "golden-keras")
    with open(os.path.join(folder, "architectures.tsv"), "w") as table:
        for name in LISTED:
            model, _ = build(name, True, NETWORKS[name][2])
            print(f"= {name}", file=table)
            for layer in model.layers:
                for weight, value in keras.legacy_weights(layer):
                    print(weight, "x".join(map(str, value.shape)), sep="\t", file=table)
    keras.reset(seeded_images(2, 3, 64, 64), seed=5)
    model = mobilenet.MobileNet(include_top=False, weights=None, input_shape=(64, 64, 3),
                                alpha=0.0625, **MODULES)
    os.makedirs(os.path.join(folder, "weights"), exist_ok=True)
    keras.save_weights(os.path.join(folder, "weights", "mobilenet.h5"), model, libver="latest")
    vectors = keras.layer_values(model)["conv_pw_13_relu"].mean((1, 2))
    np.save(os.path.join(folder, "weights", "mobilenet.out.npy"), vectors.astype(np.float32))


def main():
    if sys.argv[1] == "--golden":
        return write_golden()
    program, names = sys.argv[1], sys.argv[2:] or list(NETWORKS)
    good = True
    torch.set_grad_enabled(False)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "network.h5")
        for name in names:
            trials = [(True, NETWORKS[name][2]), (False, NETWORKS[name][2])]
            if name in ODD_SIDES:
                trials.append((False, ODD_SIDES[name]))
            for top, side in trials:
                model, images = build(name, top, side)
                for form, save in (("model", keras.save_model), ("weights", keras.save_weights)):
                    save(path, model)
                    text, well = compare(program, path, model, images, folder)
                    good = good and well
                    print(f"{name}\t{'top' if top else 'notop'}\t{side}\t{form}\t{text}",
                          flush=True)
    sys.exit(0 if good else 1)


main()
