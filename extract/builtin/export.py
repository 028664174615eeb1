#!/usr/bin/env python3
"""
Writes the averaged weights of a training as an ONNX file:

    export.py RESULT.pt BUILTIN.onnx [--float]
    export.py --random WORK RANDOM.onnx

Batch norm is folded into the convolutions; weights are int8 with a scale for each output channel,
turned to float by Cast and Mul, which every reader computes once, when it loads the file.
--float keeps them as float32. --random writes a network that was not trained, with batch norm's
statistics of the training images, to compare with.
"""
import pathlib
import sys

import numpy
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

import held_out
from student import REDUCED, WIDTH, Residual, Student


class Writer:
    """Collects nodes and weights; a tensor's name is the number of the node that makes it."""

    def __init__(self, quantized):
        self.quantized, self.nodes, self.weights = quantized, [], []

    def constant(self, name, array):
        self.weights.append(numpy_helper.from_array(numpy.ascontiguousarray(array), name))
        return name

    def node(self, operator, *inputs, **attributes):
        name = f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name, **attributes))
        return name

    def convolution(self, name, kernel, bias, stride=1):
        number, size = len(self.nodes), kernel.shape[2]
        if self.quantized:
            scale = best_scale(kernel)
            rounded = self.constant(f"weight{number}", quantize(kernel, scale).astype("int8"))
            weight = self.node("Mul", self.node("Cast", rounded, to=TensorProto.FLOAT),
                               self.constant(f"scale{number}", scale))
        else:
            weight = self.constant(f"weight{number}", kernel)
        return self.node("Conv", name, weight, self.constant(f"bias{number}", bias),
                         kernel_shape=[size] * 2, strides=[stride] * 2, pads=[size // 2] * 4)

    def normalised(self, name, layer, norm):
        """A convolution and the batch norm behind it as one convolution."""
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        kernel = layer.weight * factor.view(-1, 1, 1, 1)
        bias = norm.bias - norm.running_mean * factor
        return self.convolution(name, kernel.detach().numpy(), bias.detach().numpy(),
                                layer.stride[0])

    def reduction(self, name, layer):
        """In halves: one 1x1 convolution with fewer outputs than inputs in front of the average
        looks like the class scores of a SqueezeNet, and a reader would cut the network there."""
        kernels, biases = (part.detach().numpy().reshape(2, REDUCED // 2, *part.shape[1:])
                           for part in (layer.weight, layer.bias))
        return self.node("Concat", *[self.convolution(name, kernel, bias)
                                     for kernel, bias in zip(kernels, biases)], axis=1)

    def layers(self, name, layers):
        """Appends a sequence of modules to the tensor of this name, returns the last's."""
        layers = list(layers)
        for index, layer in enumerate(layers):
            if isinstance(layer, torch.nn.Conv2d):
                name = self.normalised(name, layer, layers[index + 1])
            elif isinstance(layer, torch.nn.ReLU):
                name = self.node("Relu", name)
            elif isinstance(layer, torch.nn.Sequential):
                name = self.layers(name, layer)
            elif isinstance(layer, Residual):
                name = self.node("Relu", self.node("Add", self.layers(name, layer.layers), name))
        return name


def quantize(kernel, scale):
    return numpy.clip(numpy.round(kernel / scale), -127, 127)


def best_scale(kernel):
    """For each output channel the scale of the least squared error, [outputs][1][1][1]."""
    largest = numpy.abs(kernel).max((1, 2, 3), keepdims=True) / 127 + 1e-12
    candidates = [(largest * part).astype("float32") for part in numpy.linspace(0.7, 1, 31)]
    errors = [((quantize(kernel, scale) * scale - kernel) ** 2).sum((1, 2, 3))
              for scale in candidates]
    best = numpy.argmin(errors, 0)
    return numpy.stack(candidates)[best, numpy.arange(len(best))]


def random_student(work):
    torch.manual_seed(1)
    student = Student()
    for module in student.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(module.weight)
    held_out.calibrate(student, *held_out.load_images(work), 128)
    return student


def write(student, target, quantized):
    writer = Writer(quantized)
    name, width = writer.layers("images", student.layers), WIDTH
    if isinstance(student.reduction, torch.nn.Conv2d):
        name, width = writer.reduction(name, student.reduction), REDUCED
    name = writer.node("Flatten", writer.node("GlobalAveragePool", name))
    graph = helper.make_graph(
        writer.nodes, "bottleneck-builtin",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, "height", "width"])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])], writer.weights)
    model = helper.make_model(graph, producer_name="bottleneck",
                              opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    onnx.checker.check_model(model)
    onnx.save(model, target)


if __name__ == "__main__":
    if sys.argv[1] == "--random":
        write(random_student(pathlib.Path(sys.argv[2])), sys.argv[3], quantized=False)
    else:
        write(Student.trained(sys.argv[1]), sys.argv[2], quantized=len(sys.argv) < 4)
