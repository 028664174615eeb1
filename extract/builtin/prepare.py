#!/usr/bin/env python3
"""
Images and teacher's vectors as arrays, for train.py. Two steps, each skips what is there:

    prepare.py images WORK SHARD.tar ...
    prepare.py teacher WORK TEACHER.onnx RUN_NETWORK [VIEWS]

WORK gets images.npy, aspects.npy, names.json and one file of vectors a view, teacher_NN.npy.
RUN_NETWORK is the project's program build/tests/run_network. A view is a random window of every
image; windows come from the number of the view alone, so train.py finds the same ones.
"""
import io
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import numpy
import torch
from PIL import Image

HEIGHT, WIDTH = 128, 160  # all images are squeezed into this; windows undo the squeezing
TEACHER_SIZE, CHUNK = 224, 256
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def windows(view, aspects):
    """[n][4]: centre x, centre y, width, height of each image's window, as parts of the image.

    View 0 is the largest centred square; others have a quarter of the area to all of it and
    sides that differ by up to 4:3.
    """
    count = len(aspects)
    wide = aspects[:, None]  # width / height
    if view == 0:
        size = numpy.concatenate([numpy.minimum(1, 1 / wide), numpy.minimum(1, wide)], 1)
        return numpy.concatenate([numpy.full((count, 2), 0.5), size], 1).astype("float32")
    generator = numpy.random.default_rng([5, view])
    area = generator.uniform(0.25, 1, (count, 1))
    side = numpy.exp(generator.uniform(-1, 1, (count, 1)) * numpy.log(4 / 3))
    size = numpy.concatenate([numpy.sqrt(area * side / wide), numpy.sqrt(area / side * wide)], 1)
    size = numpy.minimum(size, 1)
    centre = size / 2 + generator.uniform(0, 1, (count, 2)) * (1 - size)
    return numpy.concatenate([centre, size], 1).astype("float32")


def sample(images, maps, size):
    """Windows of uint8 images [n][height][width][3] as float [n][3][size][size], 0 to 255.

    maps: [n][2][3], from the output's square -1..1 to the image's, as affine_grid has them.
    """
    pixels = images.permute(0, 3, 1, 2).float()
    grid = torch.nn.functional.affine_grid(maps, (len(maps), 3, size, size), align_corners=False)
    return torch.nn.functional.grid_sample(pixels, grid, padding_mode="reflection",
                                           align_corners=False)


def window_maps(boxes):
    """The maps that `sample` wants, from windows [n][4]."""
    maps = torch.zeros(len(boxes), 2, 3)
    maps[:, 0, 0], maps[:, 1, 1] = boxes[:, 2], boxes[:, 3]
    maps[:, :, 2] = boxes[:, :2] * 2 - 1
    return maps


def pack_images(work, shards):
    members = {}
    for shard in shards:
        with tarfile.open(shard) as archive:
            for member in archive:
                if member.name.endswith(".jpg"):
                    members[member.name.removeprefix("./")] = archive.extractfile(member).read()
    names = sorted(members)
    images = numpy.empty((len(names), HEIGHT, WIDTH, 3), numpy.uint8)
    aspects = numpy.empty(len(names), numpy.float32)
    for index, name in enumerate(names):
        picture = Image.open(io.BytesIO(members[name])).convert("RGB")
        aspects[index] = picture.width / picture.height
        images[index] = picture.resize((WIDTH, HEIGHT), Image.BICUBIC)
    numpy.save(work / "aspects.npy", aspects)
    (work / "names.json").write_text(json.dumps(names))
    numpy.save(work / "images.npy", images)
    print(len(names), "images")


def write_crops(images, boxes, path):
    """The teacher's input for some images, as run_network reads it."""
    crops = sample(torch.from_numpy(images.copy()), window_maps(boxes), TEACHER_SIZE)
    numpy.save(path, crops.div_(255).sub_(MEAN).div_(DEVIATION).numpy())


def run_teacher(work, teacher, run_network, views):
    images = numpy.load(work / "images.npy", mmap_mode="r")
    aspects = numpy.load(work / "aspects.npy")
    for view in range(views):
        target = work / f"teacher_{view:02}.npy"
        if target.exists():
            continue
        boxes = torch.from_numpy(windows(view, aspects))
        parts, running = [], None
        with tempfile.TemporaryDirectory(dir=work) as folder:
            for start in range(0, len(images), CHUNK):
                crops, vectors = f"{folder}/crops{start}.npy", f"{folder}/vectors{start}.npy"
                write_crops(images[start:start + CHUNK], boxes[start:start + CHUNK], crops)
                if running is not None and running.wait() != 0:  # it works beside write_crops
                    raise SystemExit("the teacher failed")
                for old in pathlib.Path(folder).glob("crops*"):
                    if str(old) != crops:
                        old.unlink()
                running = subprocess.Popen([run_network, teacher, crops, vectors],
                                           stdout=subprocess.DEVNULL)
                parts.append(vectors)
            if running.wait() != 0:
                raise SystemExit("the teacher failed")
            numpy.save(target, numpy.concatenate([numpy.load(part).astype("float16")
                                                  for part in parts]))
        print("view", view, flush=True)


if __name__ == "__main__":
    step, folder, *rest = sys.argv[1:]
    folder = pathlib.Path(folder)
    folder.mkdir(exist_ok=True)
    if step == "images":
        pack_images(folder, rest)
    else:
        run_teacher(folder, rest[0], rest[1], int(rest[2]) if len(rest) > 2 else 8)
