#!/usr/bin/env python3
"""
Trains the built-in network on what prepare.py made:

    train.py WORK RESULT.pt [MINUTES]

Goes on from RESULT.pt where that exists. The student imitates the teacher's pooled vector of the
same window of the same image. MINUTES of processor time, all threads together; the schedule
follows them, so that other work on the machine delays the result but does not change it. See
model_card.md for the reasons and the figures.
"""
import collections
import concurrent.futures
import copy
import math
import os
import pathlib
import sys
import time

import numpy
import torch
import torch.nn.functional as functional

import held_out
from prepare import DEVIATION, MEAN, sample, windows
from student import REDUCED, Student, WIDTH

TARGET = 512               # principal components of the teacher's vectors
WHITENING = 0.25           # divided by the eigenvalues to this power
WORKERS = 2                # threads; each computes the gradient of its own batches
BATCH = 32                 # of sharp images and of small ones, each, for each worker
SHARP_SIZES = (64, 80, 96, 128)  # one for each quarter of the time
SMALL_SIZES = (56, 64, 64, 72)   # for images of 64 pixels
RATE, WEIGHT_DECAY, WARM_UP = 2.5e-3, 0.05, 0.02
# OTHERS: vectors of other images that an image's own is told apart from, besides its batch's
CONTRAST, TEMPERATURE, OTHERS, LABELS, SMOOTHING = 0.3, 0.1, 224, 0.2, 0.1
AVERAGING = 0.999
SAVE_SECONDS, SHOW_SECONDS = 300, 600
SEED = 1


def labels_of(names):
    """A class number for each name, -1 where it has no class or fewer than five images, and how
    many classes there are."""
    classes = [held_out.class_of(name) for name in names]
    counts = collections.Counter(classes)
    known = sorted(name for name, count in counts.items() if name and count >= 5)
    numbers = {name: number for number, name in enumerate(known)}
    return torch.tensor([numbers.get(name, -1) for name in classes]), len(known)


def whitened(work, used):
    """The targets of all views, unit length, float16 [views][images][TARGET]."""
    files = sorted(work.glob("teacher_*.npy"))
    first = numpy.load(files[0]).astype("float32")
    mean = first[used].mean(0)
    values, vectors = numpy.linalg.eigh(numpy.cov((first[used] - mean).T))
    rotation = (vectors[:, -TARGET:] / values[-TARGET:] ** WHITENING).astype("float32")
    return torch.stack([
        functional.normalize(torch.from_numpy((numpy.load(file) - mean) @ rotation)).half()
        for file in files])


def jittered_maps(boxes, aspects):
    """Maps for `sample`: the windows moved, scaled, turned and mirrored at random."""
    count = len(boxes)
    scale = torch.empty(count).uniform_(math.log(0.85), math.log(1.15)).exp()
    angle = torch.randn(count).mul(math.radians(7))
    mirror = torch.randint(0, 2, (count,)) * 2 - 1
    centre = boxes[:, :2] * 2 - 1 + torch.empty(count, 2).uniform_(-0.1, 0.1) * boxes[:, 2:]
    width, height = boxes[:, 2] * scale, boxes[:, 3] * scale
    maps = torch.empty(count, 2, 3)
    maps[:, 0, 0] = width * angle.cos() * mirror
    maps[:, 0, 1] = height * -angle.sin() / aspects
    maps[:, 1, 0] = width * angle.sin() * aspects * mirror
    maps[:, 1, 1] = height * angle.cos()
    maps[:, :, 2] = centre
    return maps


def coloured(pixels):
    """Random brightness, contrast, saturation and tint, and the network's normalisation, all as
    one 3x3 matrix and an offset for each image."""
    count, _, height, width = pixels.shape
    mean, deviation = MEAN.view(3, 1), DEVIATION.view(3, 1)
    grey = torch.tensor([0.299, 0.587, 0.114]).expand(3, 3)
    saturation = torch.empty(count, 1, 1).uniform_(0.3, 1.5)
    saturation[torch.rand(count) < 0.1] = 0
    contrast = torch.empty(count, 1, 1).uniform_(0.6, 1.4)
    tint = torch.randn(count, 3, 1).mul(0.06).exp()
    light = torch.empty(count, 1, 1).uniform_(-0.2, 0.2)
    matrix = (saturation * torch.eye(3) + (1 - saturation) * grey) * contrast * tint
    middle = pixels[:, :, ::4, ::4].mean((2, 3)).unsqueeze(2) / 255
    offset = (1 - contrast) * middle + light
    return torch.baddbmm((offset - mean) / deviation, matrix / deviation / 255,
                         pixels.flatten(2)).view(count, 3, height, width)


class Shuffle:
    """Endless passes over some images in random order."""

    def __init__(self, indices):
        self.indices, self.order = indices, torch.empty(0, dtype=torch.long)

    def next(self):
        if len(self.order) < BATCH:
            self.order = self.indices[torch.randperm(len(self.indices))]
        batch, self.order = self.order[:BATCH], self.order[BATCH:]
        return batch


class Data:
    """Images, their classes and the teacher's vectors."""

    def __init__(self, work):
        self.images, self.aspects, self.names = held_out.load_images(work)
        self.labels, self.classes = labels_of(self.names)
        kept = torch.tensor([not held_out.is_held_out(name) for name in self.names])
        small = torch.tensor([name.startswith("tinyimagenet/") for name in self.names])
        self.used = kept.nonzero().flatten()
        self.targets = whitened(work, kept.numpy())
        self.boxes = torch.stack([torch.from_numpy(windows(view, self.aspects.numpy()))
                                  for view in range(len(self.targets))])
        self.sets = [(Shuffle((kept & ~small).nonzero().flatten()), SHARP_SIZES),
                     (Shuffle((kept & small).nonzero().flatten()), SMALL_SIZES)]
        print(int(kept.sum()), "images,", len(self.targets), "views,", self.classes, "classes")

    def batches(self, progress):
        """One batch of each set: the images' numbers and the size they are wanted in."""
        return [(shuffle.next(), sizes[min(int(progress * len(sizes)), len(sizes) - 1)])
                for shuffle, sizes in self.sets]


class Training:
    def __init__(self, data):
        self.data = data
        student = Student().to(memory_format=torch.channels_last)
        heads = torch.nn.ModuleList([torch.nn.Linear(WIDTH, TARGET),
                                     torch.nn.Linear(WIDTH, data.classes)])
        self.modules = torch.nn.ModuleList([student, heads])
        self.average = copy.deepcopy(self.modules)
        self.parameters = list(self.modules.parameters())
        self.optimizer = torch.optim.AdamW(
            [{"params": [p for p in self.parameters if p.ndim > 1], "weight_decay": WEIGHT_DECAY},
             {"params": [p for p in self.parameters if p.ndim == 1], "weight_decay": 0}], lr=RATE)
        self.progress, self.elapsed, self.steps = 0.0, 0.0, 0  # elapsed: processor seconds

    def save(self, path):
        torch.save({"modules": self.modules.state_dict(), "average": self.average.state_dict(),
                    "optimizer": self.optimizer.state_dict(), "progress": self.progress,
                    "elapsed": self.elapsed, "steps": self.steps,
                    "reduction": self.reduction()}, path.with_suffix(".part"))
        path.with_suffix(".part").rename(path)

    def load(self, path):
        state = torch.load(path)
        for name in ("modules", "average", "optimizer"):
            getattr(self, name).load_state_dict(state[name])
        self.progress, self.elapsed = state["progress"], state["elapsed"]
        self.steps = state["steps"]

    def loss(self, batch, size):
        """Of one batch, and its mean cosine to the teacher."""
        data, (student, heads) = self.data, self.modules
        view = torch.randint(0, len(data.targets), (len(batch),))
        maps = jittered_maps(data.boxes[view, batch], data.aspects[batch])
        pixels = coloured(sample(data.images[batch], maps, size))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            vectors = student(pixels.to(memory_format=torch.channels_last))
            predicted, scores = heads[0](vectors), heads[1](vectors)
        others = data.used[torch.randint(0, len(data.used), (OTHERS,))]
        targets = torch.cat([data.targets[view, batch],
                             data.targets[torch.randint(0, len(data.targets), (OTHERS,)), others]])
        similarity = functional.normalize(predicted.float()) @ targets.float().T
        cosine = similarity.diagonal().mean()
        loss = 1 - cosine + CONTRAST * functional.cross_entropy(similarity / TEMPERATURE,
                                                                torch.arange(len(batch)))
        known = data.labels[batch] >= 0
        if known.any():
            loss = loss + LABELS * functional.cross_entropy(
                scores.float()[known], data.labels[batch][known], label_smoothing=SMOOTHING)
        return loss, cosine.item()

    def gradients(self, batches):
        """Of the batches' mean loss, in a worker's thread; and the cosines."""
        torch.set_num_threads(1)
        losses, cosines = zip(*[self.loss(batch, size) for batch, size in batches])
        return torch.autograd.grad(sum(losses) / len(losses), self.parameters), cosines

    def step(self, pool):
        """One step of the optimizer; the cosine for each set of images."""
        rate = min(1, self.progress / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * self.progress))
        for group in self.optimizer.param_groups:
            group["lr"] = RATE * max(rate, 1e-3)
        batches = [self.data.batches(self.progress) for _ in range(WORKERS)]
        gradients, cosines = zip(*pool.map(self.gradients, batches))
        for parameter, *parts in zip(self.parameters, *gradients):
            parameter.grad = sum(parts) / WORKERS
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.steps += 1
        keep = min(AVERAGING, self.steps / (self.steps + 10))
        with torch.no_grad():
            for mine, new in zip(self.average.state_dict().values(),
                                 self.modules.state_dict().values()):
                mine.copy_(keep * mine + (1 - keep) * new if mine.is_floating_point() else new)
        return numpy.mean(cosines, 0)

    def reduction(self):
        """Weight and bias of the layer that finishes the network: the head's REDUCED largest
        principal components over training images, whitened like the targets."""
        data, (student, heads) = self.data, self.average
        some = data.used[torch.randperm(len(data.used))[:3000]]
        outputs = held_out.vectors_of(student, data.images[some], data.aspects[some], 128)
        weight, bias = heads[0].weight.detach(), heads[0].bias.detach()
        outputs = outputs @ weight.T + bias
        values, vectors = torch.linalg.eigh(torch.cov(outputs.T))
        rotation = (vectors[:, -REDUCED:] / values[-REDUCED:] ** WHITENING).T
        return rotation @ weight, rotation @ (bias - outputs.mean(0))

    def report(self, cosines):
        student = copy.deepcopy(self.average[0])
        student.reduce(*self.reduction())
        data = self.data
        print(f"{self.elapsed / 60:.1f} minutes, {self.steps} steps, cosine %.3f sharp %.3f small;"
              % tuple(numpy.mean(cosines, 0)), "held out:",
              held_out.report(student, data.images, data.aspects, data.names), flush=True)


def main(work, result, minutes):
    torch.set_num_threads(WORKERS)
    torch.manual_seed(SEED)
    training = Training(Data(work))
    if result.exists():
        training.load(result)
        torch.manual_seed(SEED + training.steps)
    saved = shown = time.time()
    cosines = []
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        while training.progress < 1:
            began = time.process_time()
            cosines.append(training.step(pool))
            training.elapsed += time.process_time() - began
            training.progress += (time.process_time() - began) / (minutes * 60)
            if time.time() - saved > SAVE_SECONDS or training.progress >= 1:
                training.save(result)
                saved = time.time()
            if time.time() - shown > SHOW_SECONDS or training.progress >= 1:
                training.report(cosines)
                shown, cosines = time.time(), []


if __name__ == "__main__":
    if "MALLOC_TRIM_THRESHOLD_" not in os.environ:  # keep freed memory: a third less time
        os.environ.update(MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_=str(1 << 34))
        os.execv(sys.executable, [sys.executable, *sys.argv])
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]),
         float(sys.argv[3]) if len(sys.argv) > 3 else 140)
