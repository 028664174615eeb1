#!/usr/bin/env python3
"""Prints how far the vectors of run_network are from ONNX Runtime's, as a table.

usage: ONNXRUNTIME=FOLDER compare_onnxruntime.py RUN_NETWORK NETWORK.onnx ...

FOLDER is where `npm install onnxruntime-node` was run; python3-onnx and python3-numpy come from
the distribution. Random images, one and five at a time; ONNX Runtime is cut at the tensor that
run_network says it cut at. The errors are relative, Euclidean, the largest of any vector. Ends
with 1 when one is above the limit.
"""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 1e-4
BATCHES = (1, 5)


def image_shape(model):
    """Channels, height and width; 224 where the file leaves the size free."""
    weights = {weight.name for weight in model.graph.initializer}
    value = next(value for value in model.graph.input if value.name not in weights)
    return [dimension.dim_value or 224 for dimension in value.type.tensor_type.shape.dim[1:]]


def ours(program, network, images, folder):
    """The vectors, and the tensor and pooling of the cut."""
    source, result = os.path.join(folder, "in.npy"), os.path.join(folder, "out.npy")
    np.save(source, images)
    printed = subprocess.run([program, network, source, result], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    tensor, pooling, _ = printed.rstrip("\n").split("\t")
    return np.load(result), tensor, pooling


def expose(model, tensor, path):
    """Writes a copy of the network that has `tensor` as its only output."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.append(helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None))
    onnx.save(copy, path)


def theirs(model, tensor, pooling, images, folder):
    network, source, result, jobs = (os.path.join(folder, name) for name in
                                     ("cut.onnx", "in.raw", "out.raw", "jobs.json"))
    fixed = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value
    expose(model, tensor, network)
    values = []
    for start in range(0, len(images), fixed or len(images)):
        part = images[start : start + (fixed or len(images))]
        part.tofile(source)
        with open(jobs, "w") as file:
            json.dump([dict(network=network, input=source, shape=list(part.shape),
                            output=tensor, result=result)], file)
        environment = dict(os.environ,
                           NODE_PATH=os.path.join(os.environ["ONNXRUNTIME"], "node_modules"))
        printed = subprocess.run(["node", os.path.join(HERE, "run_onnxruntime.js"), jobs],
                                 env=environment, check=True, stdout=subprocess.PIPE).stdout
        values.append(np.fromfile(result, np.float32).reshape(json.loads(printed)[0]))
    features = np.concatenate(values).astype(np.float64)
    if pooling == "avg":
        features = features.mean((2, 3))
    return features.reshape(len(images), -1)


def compare(program, network, count, folder):
    """The largest relative error, and where the network was cut."""
    model = onnx.load(network)
    images = np.random.default_rng(count).standard_normal((count, *image_shape(model)),
                                                          dtype=np.float32)
    got, tensor, pooling = ours(program, network, images, folder)
    expected = theirs(model, tensor, pooling, images, folder)
    errors = np.linalg.norm(got - expected, axis=1) / np.linalg.norm(expected, axis=1)
    return errors.max(), f"{tensor} ({pooling}, {got.shape[1]})"


def main():
    if len(sys.argv) < 3 or "ONNXRUNTIME" not in os.environ:
        sys.exit(__doc__)
    print("network", *(f"batch {count}" for count in BATCHES), "cut", sep="\t")
    worst = 0.0
    for network in sys.argv[2:]:
        with tempfile.TemporaryDirectory() as folder:
            results = [compare(sys.argv[1], network, count, folder) for count in BATCHES]
        name = os.path.splitext(os.path.basename(network))[0]
        print(name, *(f"{error:.1e}" for error, _ in results), results[0][1], sep="\t",
              flush=True)
        worst = max(worst, *(error for error, _ in results))
    return 0 if worst <= LIMIT else 1


try:
    sys.exit(main())
except subprocess.CalledProcessError:
    sys.exit(1)  # the program that failed has said why
