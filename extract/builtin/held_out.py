#!/usr/bin/env python3
"""
What is kept out of the training, by class, and how well a linear classifier does on it.
Decisions are made by this and by nothing else. To compare sizes and crops:

    held_out.py WORK RESULT.pt
"""
import json
import pathlib
import re
import sys

import numpy
import torch
import torch.nn.functional as functional
from sklearn.svm import SVC

from prepare import DEVIATION, MEAN, sample, window_maps, windows
from student import Student

SOURCES = ("monkeys", "landscapes")
CLASSES = {  # by WordNet id, wherever they occur
    "imagewoof": "n02086240 n02087394 n02088364 n02089973 n02093754".split(),
    "tinyimagenet": """n01443537 n01882714 n02085620 n02395406 n02669723 n02815834 n02950826
                       n03160309 n03447447 n03770439 n03976657 n04133789 n04356056 n04507155
                       n07615774 n07875152""".split(),
}
IDS = {identifier for identifiers in CLASSES.values() for identifier in identifiers}


def class_of(name):
    """The class of an image, '' where it has none. One WordNet id is one class everywhere."""
    source, kind = name.split("/")[:2]
    if source in ("nips17", "bsds"):
        return ""
    return kind if re.fullmatch(r"n\d{8}", kind) else f"{source}/{kind}"


def is_held_out(name):
    return name.split("/")[0] in SOURCES or class_of(name) in IDS


def vectors_of(network, images, aspects, size, part=1.0, training=False):
    """The network's vectors of centred squares of `part` of the shorter side."""
    boxes = torch.from_numpy(windows(0, aspects.numpy()))
    boxes[:, 2:] *= part
    found = []
    network.train(training)
    with torch.no_grad():
        for start in range(0, len(images), 64):
            pixels = sample(images[start:start + 64], window_maps(boxes[start:start + 64]), size)
            pixels = (pixels / 255 - MEAN) / DEVIATION
            found.append(network(pixels.contiguous(memory_format=torch.channels_last)))
    return torch.cat(found)


def accuracy(vectors, classes, repeats=10):
    """Of a linear SVM on unit vectors with C = 1, trained on one half of the images and tested on
    the other, mean of `repeats` random halves."""
    vectors, classes = functional.normalize(vectors).numpy(), numpy.array(classes)
    generator = numpy.random.default_rng(0)
    right = []
    for _ in range(repeats):
        order = generator.permutation(len(vectors))
        order = order[numpy.argsort(classes[order], kind="stable")]
        train, test = order[0::2], order[1::2]
        machine = SVC(kernel="linear").fit(vectors[train], classes[train])
        right.append((machine.predict(vectors[test]) == classes[test]).mean())
    return numpy.mean(right)


def report(network, images, aspects, names, size=128, part=1.0):
    """One line: the accuracy on each held-out source, and their mean."""
    chosen = [i for i, name in enumerate(names) if is_held_out(name)]
    vectors = vectors_of(network, images[chosen], aspects[chosen], size, part)
    results = []
    for source in (*SOURCES, *CLASSES):
        rows = [row for row, i in enumerate(chosen) if names[i].startswith(source + "/")]
        results.append((source, accuracy(vectors[rows],
                                         [class_of(names[chosen[row]]) for row in rows])))
    line = ", ".join(f"{source} {value:.3f}" for source, value in results)
    return f"mean {sum(value for _, value in results) / len(results):.4f}, {line}"


def load_images(work):
    """What prepare.py wrote: images, aspects, names."""
    return (torch.from_numpy(numpy.load(work / "images.npy", mmap_mode="c")),
            torch.from_numpy(numpy.load(work / "aspects.npy")),
            json.loads((work / "names.json").read_text()))


def calibrate(network, images, aspects, names, size):
    """Sets batch norm's mean and variance to those of 2,048 sharp training images."""
    chosen = [i for i, name in enumerate(names)
              if not name.startswith("tinyimagenet/") and not is_held_out(name)]
    chosen = numpy.random.default_rng(0).permutation(chosen)[:2048]
    norms = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over the batches
    vectors_of(network, images[chosen], aspects[chosen], size, training=True)
    network.eval()


def main(work, result):
    images, aspects, names = load_images(work)
    student = Student.trained(result)
    torch.set_num_threads(2)
    for size in (112, 128, 144, 160):
        for part in (0.8, 0.875, 1):
            print(f"size {size}, part {part}:",
                  report(student, images, aspects, names, size, part), flush=True)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2])
