"""Faster models for inference."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ..engine.anatomy import readers
from ..types import Tensor

CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D)


def fold_batch_norm(model: keras.Model) -> keras.Model:
    """Returns a copy of a video model with batch norms folded into convolutions, for inference.

    A batch norm is folded into the 2-D convolution before it if nothing else reads the
    convolution. Batch norms inside temporal layers are kept. The copy is not trainable.

    Args:
        model: A functional model, built or loaded. It is not modified.

    Returns:
        A model with the same inputs and outputs. Its scores are equal up to rounding.

    Example:
        >>> model = build_video_model("tsm", "tiny", 4, image_size=64, weights=None)
        >>> fast = fold_batch_norm(model)
    """
    plain = keras.models.clone_model(model)  # so that each layer is in one graph only
    plain.set_weights(model.get_weights())
    norms = _norms_after_convolutions(plain)
    convolutions = {convolution.name: norm for norm, convolution in norms.items()}
    skipped = {norm.name for norm in norms}

    def clone(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if layer.name in convolutions:
            config["use_bias"] = True
        return type(layer).from_config(config)

    def call(layer: keras.Layer, *args: tuple, **kwargs: Any) -> Tensor:
        return args[0] if layer.name in skipped else layer(*args, **kwargs)

    folded = keras.models.clone_model(plain, clone_function=clone, call_function=call)
    for layer in folded.layers:
        source = plain.get_layer(layer.name)
        norm = convolutions.get(layer.name)
        layer.set_weights(source.get_weights() if norm is None else _folded(source, norm))
    folded.trainable = False
    return folded


def _norms_after_convolutions(model: keras.Model) -> dict[layers.BatchNormalization, layers.Layer]:
    """Returns the batch norms that are the only readers of a convolution, with the convolution."""
    makers = {id(operation.output): operation for operation in model.operations}
    pairs = {}
    for x, following in readers(model).items():
        convolution = makers[x]
        if len(following) == 1 and isinstance(following[0], layers.BatchNormalization):
            linear = getattr(convolution, "activation", None) is keras.activations.linear
            if isinstance(convolution, CONVOLUTIONS) and linear:
                pairs[following[0]] = convolution
    return pairs


def _folded(convolution: keras.Layer, norm: keras.Layer) -> list[np.ndarray]:
    """Returns the kernel and bias of a convolution fused with its batch norm."""
    kernel = ops.convert_to_numpy(convolution.kernel)
    mean, variance = (ops.convert_to_numpy(x) for x in (norm.moving_mean, norm.moving_variance))
    scale = 1 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        scale = scale * ops.convert_to_numpy(norm.gamma)
    bias = ops.convert_to_numpy(convolution.bias) if convolution.use_bias else 0.0
    shift = ops.convert_to_numpy(norm.beta) if norm.center else 0.0
    if isinstance(convolution, layers.DepthwiseConv2D):
        return [kernel * scale.reshape(kernel.shape[2:]), (bias - mean) * scale + shift]
    return [kernel * scale, (bias - mean) * scale + shift]
