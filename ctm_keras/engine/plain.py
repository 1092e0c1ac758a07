"""Plain layers with given weights, of which deployable models are made."""

from typing import Any

import keras
import numpy as np
from keras import layers

from ..types import Tensor


def copied(operation: keras.Operation, *args: Any, name: str | None = None, **kwargs: Any) -> Any:
    """Calls a copy of an operation, with its weights and in float32.

    Args:
        operation: A layer, also one inside another layer, or a Keras operation.
        *args: Arguments of the call.
        name: Name of the copy. Defaults to that of a layer inside another one.
        **kwargs: Keyword arguments of the call.
    """
    config = operation.get_config()
    if not isinstance(operation, keras.Layer):
        return type(operation).from_config(config)(*args, **kwargs)
    config |= {"dtype": "float32", "name": name or name_of(operation)}
    config |= {key: "zeros" for key in config if key.endswith("initializer")}  # drawn for nothing
    copy = type(operation).from_config(config)
    output = copy(*args, **kwargs)
    copy.set_weights(operation.get_weights())
    return output


def name_of(layer: keras.Layer) -> str:
    """Returns the name of a copy of a layer inside another one, such as `head_ctm_tccm_reduce`."""
    return layer.path.replace("/", "_")


def pointwise(layer: keras.Layer, x: Tensor) -> Tensor:
    """Applies a dense layer or a 1 x 1 x 1 convolution as a `Conv2D`."""
    kernel, *bias = layer.get_weights()
    return convolved(x, kernel.reshape(1, 1, *kernel.shape[-2:]), *bias, name=name_of(layer))


def convolved(x: Tensor, kernel: Any, bias: Any = None, *, name: str, **options: Any) -> Tensor:
    """Applies a `Conv2D` with this kernel, `(height, width, channels, filters)`."""
    weights = [np.asarray(w, "float32") for w in (kernel, bias) if w is not None]
    *size, _, filters = weights[0].shape
    options |= {"use_bias": bias is not None, "kernel_initializer": "zeros"}
    conv = layers.Conv2D(filters, size, dtype="float32", name=name, **options)
    output = conv(x)
    conv.set_weights(weights)
    return output


def depthwise(planes: Tensor, kernel: np.ndarray, name: str) -> Tensor:
    """Weighted sum of neighboring frames, a depthwise convolution; the kernel is `(n, channels)`.

    Of an even number of frames, one more precedes than follows.
    """
    if len(kernel) % 2 == 0:
        kernel = np.pad(kernel, ((0, 1), (0, 0)))
    conv = layers.DepthwiseConv2D(
        (len(kernel), 1), padding="same", use_bias=False, dtype="float32", name=name
    )
    output = conv(planes)
    conv.set_weights([kernel[:, None, :, None]])
    return output
