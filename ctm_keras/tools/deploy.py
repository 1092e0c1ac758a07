"""The form of a video model that exporters take: folded frames, no batch norms."""

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import layers, tree

from ..engine.folding import Fold, Folded, Unfold
from ..engine.head import AverageScores
from ..engine.plain import copied
from ..engine.surgery import tidy_names
from ..types import Tensor
from .inference import without_batch_norm


def deployable(model: keras.Model) -> keras.Model:
    """Returns the form of a video model that is exported to ONNX, LiteRT and OpenVINO.

    Phones' accelerators refuse tensors of five dimensions, and LiteRT quantizes no 3-D convolution.
    Here only the fold of the input into frames sees five. Behind it temporal layers run on
    `(batch * frames, height, width, channels)` or `(batch, frames, height * width, channels)`:
    t x 1 x 1 convolutions are t x 1 convolutions of the latter, and t x k x k convolutions are
    k x k convolutions of each frame and its neighbors, side by side as channels. Batch norms are
    folded into the convolutions before them, or become a scale and shift. Dropout is omitted.

    A layer of your own is kept as it is, with five dimensions, unless it has a method
    `deploy(clip)`, which does the same on a clip whose frames are folded
    (`ctm_keras/engine/folding.py`).

    Args:
        model: A video model, built or loaded. It is not modified.

    Returns:
        A model with the same input, output, class names and view options, in float32 and not
        trainable. Its logits are equal up to rounding.

    Raises:
        ValueError: If the model is not a video model of this project.

    Example:
        >>> model = build_video_model("tsm", "tiny", 4, image_size=64, weights=None)
        >>> plain = deployable(model)
        >>> {len(layer.output.shape) for layer in plain.layers[1:]}
        {2, 3, 4}
    """
    if not isinstance(model.layers[-1], AverageScores):
        raise ValueError(f"The model must be a video model of ctm_keras, received {model.name}.")
    return tidy_names(without_batch_norm(_on_frames(model)))


def _on_frames(model: keras.Model) -> keras.Model:
    """Returns a copy without dropout in which clips stay folded."""

    def call(operation: keras.Operation, *args: Any, **kwargs: Any) -> Any:
        clips = [x for x in tree.flatten((args, kwargs)) if _is_tensor(x)]
        if isinstance(operation, layers.Dropout):
            return clips[0]
        if isinstance(operation, Unfold) and len(clips[0].shape) == 4:
            return Folded(clips[0], operation.num_frames)
        if isinstance(operation, Fold) and isinstance(clips[0], Folded):
            return clips[0].images
        deploy = _form_of(operation)
        if deploy and all(isinstance(x, Folded) or len(x.shape) == 5 for x in clips):
            return deploy(*map(Folded.of, clips))
        return _applied(operation, *tree.map_structure(_unfolded, (args, kwargs)))

    return keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)


def _form_of(operation: keras.Operation) -> Callable | None:
    """Returns what computes the same as an operation on folded clips."""
    if isinstance(operation, layers.GlobalAveragePooling3D):
        mean = layers.GlobalAveragePooling2D(dtype="float32", name=operation.name)
        return lambda clip: mean(clip.planes)
    return getattr(operation, "deploy", None)


def _applied(operation: keras.Operation, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Applies a copy of an operation to tensors."""
    if isinstance(operation, keras.Sequential):
        return functools.reduce(lambda x, layer: copied(layer, x), operation.layers, args[0])
    if isinstance(operation, layers.Conv2D) and 1 < operation.groups == args[0].shape[-1]:
        return _depthwise(operation, args[0])
    return copied(operation, *args, name=operation.name, **kwargs)


def _depthwise(grouped: layers.Conv2D, x: Tensor) -> Tensor:
    """Applies a convolution with a group for each channel; converters know it as depthwise."""
    names = ("name", "strides", "padding", "dilation_rate", "use_bias", "activation")
    config = {name: grouped.get_config()[name] for name in names}
    config |= {"depth_multiplier": grouped.filters // grouped.groups, "dtype": "float32"}
    conv = layers.DepthwiseConv2D(grouped.kernel_size, **config)
    output = conv(x)
    kernel, *bias = grouped.get_weights()
    conv.set_weights([kernel.reshape(conv.kernel.shape), *bias])
    return output


def _is_tensor(x: Any) -> bool:
    return isinstance(x, Folded) or keras.utils.is_keras_tensor(x)


def _unfolded(x: Any) -> Tensor:
    return Unfold(x.frames, dtype="float32")(x.images) if isinstance(x, Folded) else x
