"""The built-in network: plain convolutions, each with batch norm, and residual adds."""
import torch
from torch import nn

WIDTH = 448    # channels of the last map while training
REDUCED = 256  # numbers in the pooled vector of the finished network


class DeepConvolution(torch.autograd.Function):
    """A convolution without bias whose weights' gradient is one matrix product: on maps of a few
    pixels this takes a third of the time that oneDNN's own gradient takes."""

    @staticmethod
    def forward(context, maps, weight, stride):
        context.save_for_backward(maps, weight)
        context.stride = stride
        return torch.conv2d(maps, weight, None, stride, weight.shape[2] // 2)

    @staticmethod
    def backward(context, gradient):
        maps, weight = context.saved_tensors
        outputs, inputs, size, _ = weight.shape
        border, stride = size // 2, context.stride
        to_maps = torch.ops.aten.convolution_backward(
            gradient, maps, weight, None, [stride] * 2, [border] * 2, [1, 1], False, [0, 0], 1,
            [True, False, False])[0]
        pixels = nn.functional.pad(maps.permute(0, 2, 3, 1), (0, 0) + (border,) * 4)
        windows = pixels.unfold(1, size, stride).unfold(2, size, stride)
        windows = windows.permute(0, 1, 2, 4, 5, 3).reshape(-1, size * size * inputs)
        to_weight = gradient.permute(0, 2, 3, 1).reshape(-1, outputs).T @ windows
        return to_maps, to_weight.view(outputs, size, size, inputs).permute(0, 3, 1, 2), None


class Convolution(nn.Conv2d):
    def forward(self, maps):
        if self.in_channels < 96 or not self.training:
            return super().forward(maps)
        kind = torch.get_autocast_cpu_dtype() if torch.is_autocast_cpu_enabled() else maps.dtype
        return DeepConvolution.apply(maps.to(kind), self.weight.to(kind), self.stride[0])


def convolution(inputs, outputs, size=3, stride=1):
    return [Convolution(inputs, outputs, size, stride, size // 2, bias=False),
            nn.BatchNorm2d(outputs)]


def layer(inputs, outputs, size=3, stride=1):
    return nn.Sequential(*convolution(inputs, outputs, size, stride), nn.ReLU(inplace=True))


class Residual(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)
        nn.init.zeros_(self.layers[-1].weight)  # starts as the identity

    def forward(self, maps):
        return torch.relu(maps + self.layers(maps))


def pair(width):
    return Residual(layer(width, width), *convolution(width, width))


def narrow(width, inside):
    return Residual(layer(width, inside, 1), layer(inside, inside), *convolution(inside, width, 1))


class Student(nn.Module):
    """[n][3][height][width], normalised, to [n][WIDTH], or to [n][REDUCED] when finished."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            layer(3, 16, stride=2), layer(16, 32, stride=2), layer(32, 64, stride=2), pair(64),
            layer(64, 128, stride=2), pair(128),
            layer(128, 256, stride=2), narrow(256, 80), narrow(256, 80),
            layer(256, WIDTH, 1))
        self.reduction = nn.Identity()

    def forward(self, images):
        return self.reduction(self.layers(images)).mean((2, 3))

    def reduce(self, weight, bias):
        """Finishes the network with a linear layer, weight [REDUCED][WIDTH], bias [REDUCED]. It
        stands before the average, since readers take a linear layer behind it for a classifier."""
        self.reduction = nn.Conv2d(WIDTH, REDUCED, 1)
        self.reduction.weight.data = weight.reshape(REDUCED, WIDTH, 1, 1)
        self.reduction.bias.data = bias

    @staticmethod
    def trained(path):
        """With the averaged weights of a training's file, finished where the training is."""
        student = Student()
        state = torch.load(path, map_location="cpu")
        weights = state["average"]
        student.load_state_dict({name[2:]: value for name, value in weights.items()
                                 if name.startswith("0.")})
        if "reduction" in state:
            student.reduce(*state["reduction"])
        return student.eval()
