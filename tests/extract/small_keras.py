"""Just enough of Keras, over PyTorch, to run the code of Keras Applications and to write files as
Keras 1, 2 and 3 do: what the Keras reader is compared with. Used by make_keras_cases.py and
compare_keras.py; needs Debian's python3-torch and python3-h5py.

Layers are computed as they are called, in double precision, on the images that Input gets; every
tensor has its numbers with the batch in front, in the order of FORMAT. Weights are random, seeded
by reset(), and of such a size that numbers neither grow nor vanish.
"""

import json
import math
import re
import types
import zipfile

import h5py
import numpy as np
import torch
import torch.nn.functional as F

FORMAT = "channels_last"
IMAGES = None        # [n][channels][height][width], for Input
STATE = types.SimpleNamespace()


def seeded_images(*shape):
    """As in make_operator_cases.py."""
    number = np.arange(np.prod(shape), dtype=np.uint32)
    number ^= number >> np.uint32(16)
    number *= np.uint32(0x7feb352d)
    number ^= number >> np.uint32(15)
    number *= np.uint32(0x846ca68b)
    number ^= number >> np.uint32(16)
    values = (number >> np.uint32(8)).astype(np.float64) / 2**22 - 2
    return values.astype(np.float32).reshape(shape)


def reset(images, seed=0, data_format="channels_last"):
    """A new session: names are counted from 1 again."""
    global FORMAT, IMAGES
    FORMAT, IMAGES = data_format, images
    STATE.random = np.random.default_rng(seed)
    STATE.counts = {}


def snake_case(name):
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def pair(value):
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


def nchw(value):
    return value.permute(0, 3, 1, 2) if FORMAT == "channels_last" else value


def back(value):
    return value.permute(0, 2, 3, 1) if FORMAT == "channels_last" else value


class Tensor:
    def __init__(self, value, layer, call):
        self.value, self.layer, self.call = value, layer, call

    @property
    def shape(self):
        return (None, *self.value.shape[1:])


class Layer:
    """`settings` are those of the class, with their defaults; the configuration in a file is
    these as they are."""

    settings = {}

    def __init__(self, *args, name=None, **kwargs):
        for unused in ("kernel_initializer", "bias_initializer", "momentum", "input_shape"):
            kwargs.pop(unused, None)
        self.config = dict(self.settings)
        self.config.update(zip(self.settings, args))
        self.config.update(kwargs)
        kind = snake_case(type(self).__name__)
        if name is None:
            STATE.counts[kind] = STATE.counts.get(kind, 0) + 1
            name = f"{kind}_{STATE.counts[kind]}"
        self.name, self.kind = name, kind
        self.weights, self.calls, self.values = None, [], []

    def __getattr__(self, key):
        try:
            return self.__dict__["config"][key]
        except KeyError:
            raise AttributeError(key) from None

    def full_config(self):
        return {"name": self.name, "trainable": True, **self.config}

    def __call__(self, inputs):
        many = isinstance(inputs, (list, tuple))
        tensors = list(inputs) if many else [inputs]
        values = [tensor.value for tensor in tensors]
        if self.weights is None:
            self.weights = self.build(*values)
        self.calls.append(tensors)
        self.values.append(self.compute(values if many else values[0]))
        return Tensor(self.values[-1], self, len(self.calls) - 1)

    def build(self, *values):
        return {}

    def weight(self, key):
        return torch.from_numpy(np.asarray(self.weights[key], np.float64))


def random_kernel(shape, fan_in):
    return (STATE.random.standard_normal(shape) * math.sqrt(2 / fan_in)).astype(np.float32)


def random_vector(count, low, high):
    return STATE.random.uniform(low, high, count).astype(np.float32)


def activate(value, name):
    if name in (None, "linear"):
        return value
    if name == "softmax":
        return torch.softmax(value, -1)
    functions = {
        "relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "elu": F.elu,
        "relu6": lambda x: x.clamp(0, 6), "swish": F.silu, "selu": F.selu,
        "hard_sigmoid": lambda x: (0.2 * x + 0.5).clamp(0, 1),
        "hard_silu": lambda x: x * (x / 6 + 0.5).clamp(0, 1),
    }
    return functions[name](value)


def pad_same(value, kernel, strides, dilation=(1, 1), fill=0.0):
    pads = []
    for axis in (1, 0):
        length = value.shape[2 + axis]
        extent = dilation[axis] * (kernel[axis] - 1) + 1
        total = max((-(-length // strides[axis]) - 1) * strides[axis] + extent - length, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(value, pads, value=fill)


# Layers ------------------------------------------------------------------------------------------


class InputLayer(Layer):
    settings = {"batch_input_shape": None}


class Windowed(Layer):
    def format_setting(self):
        self.config.setdefault("data_format", FORMAT)
        self.config["padding"] = self.config["padding"].lower()
        return nchw


class Conv2D(Windowed):
    settings = {"filters": None, "kernel_size": None, "strides": 1, "padding": "valid",
                "dilation_rate": 1, "groups": 1, "activation": None, "use_bias": True}

    def build(self, value):
        self.format_setting()
        for key in ("kernel_size", "strides", "dilation_rate"):
            self.config[key] = list(pair(self.config[key]))
        channels = nchw(value).shape[1] // self.groups
        shape = (*self.kernel_size, channels, self.filters)
        weights = {"kernel": random_kernel(shape, np.prod(shape[:3]))}
        if self.use_bias:
            weights["bias"] = random_vector(self.filters, -0.1, 0.1)
        return weights

    def compute(self, value):
        value = nchw(value)
        if self.padding == "same":
            value = pad_same(value, self.kernel_size, self.strides, self.dilation_rate)
        value = F.conv2d(value, self.weight("kernel").permute(3, 2, 0, 1),
                         self.weight("bias") if self.use_bias else None,
                         self.strides, 0, self.dilation_rate, self.groups)
        return activate(back(value), self.activation)


class DepthwiseConv2D(Windowed):
    settings = {"kernel_size": None, "strides": 1, "padding": "valid", "depth_multiplier": 1,
                "activation": None, "use_bias": True}

    def build(self, value):
        self.format_setting()
        for key in ("kernel_size", "strides"):
            self.config[key] = list(pair(self.config[key]))
        channels = nchw(value).shape[1]
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        weights = {"depthwise_kernel": random_kernel(shape, np.prod(shape[:2]))}
        if self.use_bias:
            weights["bias"] = random_vector(channels * self.depth_multiplier, -0.1, 0.1)
        return weights

    def depthwise(self, value):
        value = nchw(value)
        if self.padding == "same":
            value = pad_same(value, self.kernel_size, self.strides)
        kernel = self.weight("depthwise_kernel").permute(2, 3, 0, 1).flatten(0, 1)[:, None]
        return F.conv2d(value, kernel, None, self.strides, 0, 1, value.shape[1])

    def compute(self, value):
        value = self.depthwise(value)
        if self.use_bias:
            value = value + self.weight("bias")[:, None, None]
        return activate(back(value), self.activation)


class SeparableConv2D(DepthwiseConv2D):
    settings = {"filters": None, **DepthwiseConv2D.settings}

    def build(self, value):
        self.config["use_bias"], biased = False, self.use_bias
        weights = super().build(value)
        self.config["use_bias"] = biased
        channels = nchw(value).shape[1] * self.depth_multiplier
        weights["pointwise_kernel"] = random_kernel((1, 1, channels, self.filters), channels)
        if biased:
            weights["bias"] = random_vector(self.filters, -0.1, 0.1)
        return weights

    def compute(self, value):
        value = F.conv2d(self.depthwise(value), self.weight("pointwise_kernel").permute(3, 2, 0, 1),
                         self.weight("bias") if self.use_bias else None)
        return activate(back(value), self.activation)


class Dense(Layer):
    settings = {"units": None, "activation": None, "use_bias": True}

    def build(self, value):
        weights = {"kernel": random_kernel((value.shape[1], self.units), value.shape[1])}
        if self.use_bias:
            weights["bias"] = random_vector(self.units, -0.1, 0.1)
        return weights

    def compute(self, value):
        value = value @ self.weight("kernel")
        return activate(value + self.weight("bias") if self.use_bias else value, self.activation)


class BatchNormalization(Layer):
    settings = {"axis": -1, "epsilon": 1e-3, "center": True, "scale": True}

    def build(self, value):
        count = value.shape[self.axis]
        weights = {}
        if self.scale:
            weights["gamma"] = random_vector(count, 0.5, 1)
        if self.center:
            weights["beta"] = random_vector(count, -0.2, 0.2)
        weights["moving_mean"] = random_vector(count, -0.2, 0.2)
        weights["moving_variance"] = random_vector(count, 0.7, 1.3)
        return weights

    def compute(self, value):
        value = (value.transpose(self.axis, -1) - self.weight("moving_mean")) / torch.sqrt(
            self.weight("moving_variance") + self.epsilon)
        if self.scale:
            value = value * self.weight("gamma")
        if self.center:
            value = value + self.weight("beta")
        return value.transpose(self.axis, -1)


class Activation(Layer):
    settings = {"activation": None}

    def compute(self, value):
        return activate(value, self.activation)


class ReLU(Layer):
    settings = {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}

    def compute(self, value):
        value = torch.where(value >= self.threshold, value,
                            self.negative_slope * (value - self.threshold))
        return value if self.max_value is None else value.clamp(max=self.max_value)


class ThresholdedReLU(Layer):
    settings = {"theta": 1.0}

    def compute(self, value):
        return torch.where(value > self.theta, value, torch.zeros_like(value))


class LeakyReLU(Layer):
    settings = {"alpha": 0.3}

    def compute(self, value):
        alpha = self.alpha["value"] if isinstance(self.alpha, dict) else self.alpha
        return F.leaky_relu(value, alpha)


class ELU(Layer):
    settings = {"alpha": 1.0}

    def compute(self, value):
        return F.elu(value, self.alpha)


class PReLU(Layer):
    settings = {"shared_axes": None}

    def build(self, value):
        shape = list(value.shape[1:])
        for axis in self.shared_axes or []:
            shape[axis - 1] = 1
        return {"alpha": STATE.random.uniform(0, 0.5, shape).astype(np.float32)}

    def compute(self, value):
        return torch.where(value < 0, value * self.weight("alpha"), value)


class Softmax(Layer):
    settings = {"axis": -1}

    def compute(self, value):
        return torch.softmax(value, self.axis)


class MaxPooling2D(Windowed):
    settings = {"pool_size": 2, "strides": None, "padding": "valid"}

    def build(self, value):
        self.format_setting()
        self.config["pool_size"] = list(pair(self.pool_size))
        self.config["strides"] = list(pair(self.strides or self.pool_size))
        return {}

    def compute(self, value):
        value = nchw(value)
        if self.padding == "same":
            value = pad_same(value, self.pool_size, self.strides, fill=-math.inf)
        return back(F.max_pool2d(value, self.pool_size, self.strides))


class AveragePooling2D(MaxPooling2D):
    def compute(self, value):
        value = nchw(value)
        counts = torch.ones_like(value)
        if self.padding == "same":
            value = pad_same(value, self.pool_size, self.strides)
            counts = pad_same(counts, self.pool_size, self.strides)
        return back(F.avg_pool2d(value, self.pool_size, self.strides) /
                    F.avg_pool2d(counts, self.pool_size, self.strides))


class GlobalAveragePooling2D(Layer):
    def build(self, value):
        self.config.setdefault("data_format", FORMAT)
        return {}

    def compute(self, value):
        return nchw(value).mean((2, 3))


class GlobalMaxPooling2D(GlobalAveragePooling2D):
    def compute(self, value):
        return nchw(value).amax((2, 3))


class ZeroPadding2D(Layer):
    settings = {"padding": 1}

    def margins(self, value):
        if isinstance(value, int):
            return [[value, value], [value, value]]
        return [list(pair(side)) for side in value]

    def build(self, value):
        self.config.setdefault("data_format", FORMAT)
        self.config["padding"] = self.margins(self.padding)
        return {}

    def compute(self, value):
        (top, bottom), (left, right) = self.padding
        return back(F.pad(nchw(value), [left, right, top, bottom]))


class Cropping2D(ZeroPadding2D):
    settings = {"cropping": 0}

    def build(self, value):
        self.config.setdefault("data_format", FORMAT)
        self.config["cropping"] = self.margins(self.cropping)
        return {}

    def compute(self, value):
        (top, bottom), (left, right) = self.cropping
        value = nchw(value)
        return back(value[:, :, top:value.shape[2] - bottom, left:value.shape[3] - right])


class Concatenate(Layer):
    settings = {"axis": -1}

    def compute(self, values):
        return torch.cat(values, self.axis)


class Add(Layer):
    def compute(self, values):
        return sum(values[1:], values[0])


class Subtract(Layer):
    def compute(self, values):
        return values[0] - values[1]


class Multiply(Layer):
    def compute(self, values):
        return math.prod(values[1:], start=values[0])


class Average(Layer):
    def compute(self, values):
        return sum(values[1:], values[0]) / len(values)


class Flatten(Layer):
    def compute(self, value):
        if self.config.get("data_format") == "channels_first" and value.dim() == 4:
            value = value.permute(0, 2, 3, 1)
        return value.flatten(1)


class Reshape(Layer):
    settings = {"target_shape": None}

    def compute(self, value):
        return value.reshape(len(value), *self.target_shape)


class Permute(Layer):
    settings = {"dims": None}

    def compute(self, value):
        return value.permute(0, *self.dims)


class Dropout(Layer):
    settings = {"rate": 0.5}

    def compute(self, value):
        return value


class Rescaling(Layer):
    settings = {"scale": 1.0, "offset": 0.0}

    def compute(self, value):
        return value * torch.tensor(self.scale) + torch.tensor(self.offset)


class Normalization(Layer):
    settings = {"axis": -1}

    def build(self, value):
        count = value.shape[-1]
        return {"mean": random_vector(count, -1, 1), "variance": random_vector(count, 0.5, 2),
                "count": np.int64(7)}

    def compute(self, value):
        return (value - self.weight("mean")) / torch.sqrt(self.weight("variance"))


class Lambda(Layer):
    """Stands in a file as Keras writes it; computes nothing."""

    settings = {"function": ["4wEAAAAAAAAAAQAAAAEAAABT", None, None], "function_type": "lambda"}

    def compute(self, value):
        return value


def Input(shape=None, name=None, **_):
    if shape is None or any(side is None for side in shape):
        shape = (None, None, 3) if FORMAT == "channels_last" else (3, None, None)
    layer = InputLayer([None, *shape], name=name)
    layer.values.append(back(torch.from_numpy(np.asarray(IMAGES, np.float64))))
    return Tensor(layer.values[0], layer, 0)


# Models ------------------------------------------------------------------------------------------


class Model(Layer):
    """A Functional model; as a layer of another it is computed once, when it is made."""

    def __init__(self, inputs, outputs, name=None):
        super().__init__(name=name)
        self.inputs = inputs if isinstance(inputs, list) else [inputs]
        self.outputs = outputs if isinstance(outputs, list) else [outputs]
        self.layers = []
        seen = set()

        def visit(tensor):
            if (id(tensor.layer), tensor.call) in seen:
                return
            seen.add((id(tensor.layer), tensor.call))
            if tensor.layer.calls:
                for before in tensor.layer.calls[tensor.call]:
                    visit(before)
            if tensor.layer not in self.layers:
                self.layers.append(tensor.layer)

        for tensor in self.outputs:
            visit(tensor)

    def __call__(self, inputs):
        self.calls.append([inputs])
        self.values.append(self.outputs[0].value)
        return Tensor(self.values[-1], self, len(self.calls) - 1)

    def full_config(self):
        reference = lambda tensor: [tensor.layer.name, tensor.call, 0]
        layers = [{"class_name": keras_class(layer), "config": layer.full_config(),
                   "name": layer.name,
                   "inbound_nodes": [[[*reference(tensor), {}] for tensor in call]
                                     for call in layer.calls]} for layer in self.layers]
        return {"name": self.name, "layers": layers,
                "input_layers": [reference(tensor) for tensor in self.inputs],
                "output_layers": [reference(tensor) for tensor in self.outputs]}


class Sequential(Model):
    def __init__(self, layers, name=None):
        Layer.__init__(self, name=name)
        self.layers = layers
        tensor = layers[0] if isinstance(layers[0], Tensor) else None
        if tensor is not None:
            self.layers = [tensor.layer, *layers[1:]]
        for layer in layers[1:]:
            tensor = layer(tensor)
        self.outputs = [tensor]

    def full_config(self):
        return {"name": self.name,
                "layers": [{"class_name": keras_class(layer), "config": layer.full_config()}
                           for layer in self.layers]}


def keras_class(layer):
    return {"Model": "Functional"}.get(type(layer).__name__, type(layer).__name__)


def all_layers(model):
    for layer in model.layers:
        if isinstance(layer, Model):
            yield from all_layers(layer)
        else:
            yield layer


def layer_values(model):
    """The results of all layers by name, [n][...] in the order of FORMAT."""
    return {layer.name: layer.values[0].numpy() for layer in all_layers(model) if layer.values}


# Files of Keras 2 --------------------------------------------------------------------------------


def legacy_weights(layer):
    """Names and arrays as Keras 2 orders them: in a model those that are trained come first."""
    if not isinstance(layer, Model):
        return [(f"{layer.name}/{key}:0", value) for key, value in (layer.weights or {}).items()]
    pairs = [pair for inner in layer.layers for pair in legacy_weights(inner)]
    fixed = [pair for pair in pairs if "/moving_" in pair[0]]
    return [pair for pair in pairs if "/moving_" not in pair[0]] + fixed


def write_list(group, name, texts, split=None):
    texts = [text.encode() for text in texts]
    if split:
        for index in range(0, len(texts), split):
            group.attrs[f"{name}{index // split}"] = texts[index:index + split]
    else:
        group.attrs[name] = texts


def write_weights(group, model, weights=legacy_weights, split=None, **options):
    write_list(group, "layer_names", [layer.name for layer in model.layers], split)
    for layer in sorted(model.layers, key=lambda layer: layer.name):
        inner = group.create_group(layer.name)
        write_list(inner, "weight_names", [name for name, _ in weights(layer)])
        for name, value in weights(layer):
            inner.create_dataset(name, data=value, **(options if np.ndim(value) > 1 else {}))


def save_weights(path, model, libver="earliest", **options):
    with h5py.File(path, "w", libver=libver) as file:
        write_weights(file, model, **options)


def save_model(path, model, backend="tensorflow", **options):
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "2.4.0", backend
        file.attrs["model_config"] = json.dumps(
            {"class_name": keras_class(model), "config": model.full_config()})
        group = file.create_group("model_weights")
        group.attrs["keras_version"], group.attrs["backend"] = b"2.4.0", backend.encode()
        write_weights(group, model, **options)


# Files of Keras 1 --------------------------------------------------------------------------------

OLD_NAMES = {"kernel": "W", "bias": "b", "moving_mean": "running_mean",
             "moving_variance": "running_std", "alpha": "alphas"}
OLD_CLASSES = {"Conv2D": "Convolution2D", "SeparableConv2D": "SeparableConvolution2D",
               "Add": "Merge", "Multiply": "Merge", "Average": "Merge", "Concatenate": "Merge"}
OLD_MODES = {"Add": "sum", "Multiply": "mul", "Average": "ave", "Concatenate": "concat"}
ORDERINGS = {"channels_last": "tf", "channels_first": "th"}


def old_config(layer):
    config, kind = layer.full_config(), type(layer).__name__
    for new, old in (("strides", "subsample"), ("padding", "border_mode"), ("use_bias", "bias"),
                     ("filters", "nb_filter"), ("units", "output_dim"), ("rate", "p")):
        keep = new == "strides" and "Pooling" in kind or kind == "ZeroPadding2D"
        if new in config and not keep:
            config[old] = config.pop(new)
    if "kernel_size" in config:
        config["nb_row"], config["nb_col"] = config.pop("kernel_size")
    if "data_format" in config:
        config["dim_ordering"] = ORDERINGS[config.pop("data_format")]
    if kind in OLD_MODES:
        config.update(mode=OLD_MODES[kind], concat_axis=config.pop("axis", -1))
    if kind == "ZeroPadding2D":
        config["padding"] = [side for sides in config["padding"] for side in sides]
    if kind == "BatchNormalization":
        config["mode"] = 0
    for key in ("dilation_rate", "groups", "center", "scale"):
        config.pop(key, None)
    return config


def old_weights(layer):
    """Keras 1 with Theano's order has Theano's kernels."""
    for key, value in (layer.weights or {}).items():
        if FORMAT == "channels_first" and value.ndim == 4:
            value = np.ascontiguousarray(value.transpose(3, 2, 0, 1)[:, :, ::-1, ::-1])
        yield f"{layer.name}_{OLD_NAMES.get(key, key)}", value


def save_old_model(path, model):
    """A Sequential model as the list that Keras 1 wrote, or a Functional one."""
    entries = [{"class_name": OLD_CLASSES.get(type(layer).__name__, type(layer).__name__),
                "config": old_config(layer), "name": layer.name,
                "inbound_nodes": [[[tensor.layer.name, tensor.call, 0] for tensor in call]
                                  for call in layer.calls]} for layer in model.layers]
    if isinstance(model, Sequential):
        first = entries.pop(0)
        entries[0]["config"]["batch_input_shape"] = first["config"]["batch_input_shape"]
        config = [{"class_name": e["class_name"], "config": e["config"]} for e in entries]
        class_name = "Sequential"
    else:
        config, class_name = {**model.full_config(), "layers": entries}, "Model"
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = b"1.2.2"
        file.attrs["model_config"] = json.dumps(
            {"class_name": class_name, "config": config}).encode()
        write_weights(file.create_group("model_weights"), model,
                      weights=lambda layer: list(old_weights(layer)))


# Files of Keras 3 --------------------------------------------------------------------------------


def new_entry(layer):
    """A layer as Keras 3 describes it: tensors as objects, shapes under another name."""
    kind, config = keras_class(layer), layer.full_config()
    entry = {"module": "keras.layers", "class_name": kind, "config": config,
             "registered_name": None, "name": layer.name}
    if isinstance(layer, Model):
        config = entry["config"] = new_config(layer)
    if "batch_input_shape" in config:
        config["batch_shape"] = config.pop("batch_input_shape")
    if kind == "LeakyReLU":
        config["negative_slope"] = config.pop("alpha")
    config["dtype"] = {"module": "keras", "class_name": "DTypePolicy",
                       "config": {"name": "float32"}, "registered_name": None}
    entry["inbound_nodes"] = []
    for call in layer.calls:
        tensors = [{"class_name": "__keras_tensor__",
                    "config": {"shape": list(tensor.shape), "dtype": "float32",
                               "keras_history": [tensor.layer.name, tensor.call, 0]}}
                   for tensor in call]
        entry["inbound_nodes"].append({"args": [tensors] if len(tensors) > 1 else tensors,
                                       "kwargs": {}})
    return entry


def new_config(model):
    config = {"name": model.name, "trainable": True,
              "layers": [new_entry(layer) for layer in model.layers]}
    if isinstance(model, Sequential):
        for entry in config["layers"]:
            del entry["inbound_nodes"]
        return config
    reference = lambda tensor: [tensor.layer.name, tensor.call, 0]
    config["input_layers"] = reference(model.inputs[0])
    config["output_layers"] = [reference(tensor) for tensor in model.outputs]
    return config


def write_by_place(group, model, word="layers"):
    counts = {}
    place = group.create_group(word)
    for layer in model.layers:
        kind = snake_case(keras_class(layer))
        counts[kind] = counts.get(kind, -1) + 1
        inner = place.create_group(f"{kind}_{counts[kind]}" if counts[kind] else kind)
        variables = inner.create_group("vars")
        if isinstance(layer, Model):
            write_by_place(inner, layer, word)
        for index, value in enumerate((layer.weights or {}).values()):
            variables[str(index)] = value


def save_new_model(path, model, compression=zipfile.ZIP_STORED, word="layers"):
    config = {"module": "keras", "class_name": keras_class(model), "config": new_config(model),
              "registered_name": keras_class(model), "compile_config": None}
    weights = path + ".weights"
    with h5py.File(weights, "w") as file:
        write_by_place(file, model, word)
        file.create_group("vars")
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.3.3"}))
        archive.writestr("config.json", json.dumps(config))
        with open(weights, "rb") as file:
            archive.writestr("model.weights.h5", file.read())


# What Keras Applications import ------------------------------------------------------------------

layers = types.SimpleNamespace(
    **{name: value for name, value in globals().items()
       if isinstance(value, type) and issubclass(value, Layer)},
    Input=Input, add=lambda tensors, **kwargs: Add(**kwargs)(tensors),
    concatenate=lambda tensors, axis=-1, **kwargs: Concatenate(axis, **kwargs)(tensors))
models = types.SimpleNamespace(Model=Model)
backend = types.SimpleNamespace(
    image_data_format=lambda: FORMAT, backend=lambda: "tensorflow",
    int_shape=lambda tensor: tensor.shape, is_keras_tensor=lambda tensor: True)
utils = types.SimpleNamespace(get_source_inputs=lambda tensor: [tensor])
