"""Faster models for inference."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ..engine.anatomy import Readers, readers
from ..types import Shape, Tensor

CONVOLUTIONS = (
    layers.Conv2D,
    layers.Conv3D,
    layers.DepthwiseConv2D,
    layers.SeparableConv2D,
    layers.Dense,
)


def fold_batch_norm(model: keras.Model) -> keras.Model:
    """Returns a copy of a video model with batch norms folded into convolutions, for inference.

    A batch norm is folded into the convolution or dense layer before it if nothing else reads that;
    otherwise it becomes a scale and shift. Batch norms inside temporal layers are kept;
    `ctm_keras.deployable` folds these, too. The copy is not trainable.

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
    return without_batch_norm(plain)


def without_batch_norm(plain: keras.Model) -> keras.Model:
    """Returns `fold_batch_norm` of a model whose layers are in no other graph."""
    norms = _norms_after_convolutions(plain)
    convolutions = {convolution.name: norm for norm, convolution in norms.items()}
    skipped = {norm.name for norm in norms}

    def clone(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if isinstance(layer, layers.BatchNormalization):
            return ScaleShift(layer.axis, dtype=layer.dtype_policy, name=layer.name)
        if layer.name in convolutions:
            config["use_bias"] = True
        return type(layer).from_config(config)

    def call(layer: keras.Layer, *args: tuple, **kwargs: Any) -> Tensor:
        if layer.name in skipped:
            return args[0]
        return layer(args[0]) if isinstance(layer, ScaleShift) else layer(*args, **kwargs)

    folded = keras.models.clone_model(plain, clone_function=clone, call_function=call)
    for layer in folded.layers:
        source = plain.get_layer(layer.name)
        if layer.name in convolutions:
            layer.set_weights(_folded(source, convolutions[layer.name]))
        elif isinstance(layer, ScaleShift):
            layer.set_weights([w.reshape(layer.scale.shape) for w in _scale_and_shift(source)])
        else:
            layer.set_weights(source.get_weights())
    folded.trainable = False
    return folded


@keras.saving.register_keras_serializable("ctm_keras")
class ScaleShift(layers.Layer):
    """Scale and shift of each channel: a batch norm in inference.

    Args:
        axis: Axis of the channels.

    Input shape:
        Any.

    Output shape:
        The same.
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape: Shape) -> None:
        shape = [1] * len(input_shape)
        shape[self.axis] = input_shape[self.axis]
        self.scale = self.add_weight(shape[1:], "ones", name="scale")
        self.shift = self.add_weight(shape[1:], "zeros", name="shift")

    def call(self, inputs: Tensor) -> Tensor:
        return inputs * self.scale + self.shift

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def _norms_after_convolutions(model: keras.Model) -> dict[layers.BatchNormalization, layers.Layer]:
    """Returns the batch norms that are the only readers of a convolution, with the convolution."""
    makers = {id(operation.output): operation for operation in model.operations}
    following = readers(model)
    pairs = {}
    for norm in model.layers:
        if isinstance(norm, layers.BatchNormalization):
            convolution = _maker(norm.input, makers, following, model.outputs)
            linear = getattr(convolution, "activation", None) is keras.activations.linear
            last = norm.axis in (-1, len(norm.input.shape) - 1)
            if isinstance(convolution, CONVOLUTIONS) and linear and last:
                pairs[norm] = convolution
    return pairs


def _maker(x: Tensor, makers: dict, following: Readers, outputs: list) -> keras.Operation | None:
    """Returns the operation that makes a tensor for one reader; a reshape may follow it."""
    if len(following[id(x)]) > 1 or any(x is output for output in outputs):
        return None
    maker = makers[id(x)]
    if type(maker).__name__ == "Reshape" and maker.input.shape[-1] == x.shape[-1]:
        return _maker(maker.input, makers, following, outputs)
    return maker


def _folded(convolution: keras.Layer, norm: keras.Layer) -> list[np.ndarray]:
    """Returns the kernels and bias of a convolution fused with its batch norm."""
    weights = [weight.astype("float64") for weight in convolution.get_weights()]
    bias = weights.pop() if convolution.use_bias else 0.0
    scale, shift = _scale_and_shift(norm)
    *first, kernel = weights  # a separable convolution has two
    if isinstance(convolution, layers.DepthwiseConv2D):
        kernel = kernel * scale.reshape(kernel.shape[2:])
    else:
        kernel = kernel * scale
    return [*first, kernel, bias * scale + shift]


def _scale_and_shift(norm: keras.Layer) -> tuple[np.ndarray, np.ndarray]:
    """Returns the scale and shift of each channel that a batch norm applies in inference."""
    mean, variance = _double(norm.moving_mean), _double(norm.moving_variance)
    scale = 1 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        scale = scale * _double(norm.gamma)
    return scale, (_double(norm.beta) if norm.center else 0.0) - mean * scale


def _double(weight: keras.Variable) -> np.ndarray:
    return ops.convert_to_numpy(weight).astype("float64")
