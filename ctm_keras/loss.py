"""The loss: cross-entropy of integer or soft labels, with label smoothing."""

from typing import Any

import keras
from keras import ops

from .types import Tensor


@keras.saving.register_keras_serializable("ctm_keras")
class SmoothedCrossentropy(keras.losses.Loss):
    """Softmax cross-entropy from logits, with label smoothing.

    Unlike Keras' losses it smooths integer labels, too. Soft labels, which MixUp and CutMix
    produce, are smoothed like one-hot labels.

    Args:
        label_smoothing: Fraction of the target that is spread over all classes, in [0, 1).
        **kwargs: Passed to `keras.losses.Loss`.

    Input shape:
        Labels `(batch,)`, or soft labels `(batch, num_classes)`, and logits
        `(batch, num_classes)`.

    Raises:
        ValueError: If `label_smoothing` is not in [0, 1).

    Example:
        >>> model.compile(loss=SmoothedCrossentropy(0.1))
    """

    def __init__(
        self, label_smoothing: float = 0.0, name: str = "smoothed_crossentropy", **kwargs: Any
    ) -> None:
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must be in [0, 1), received {label_smoothing}.")
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        labels = ops.cast(y_true, y_pred.dtype) if is_soft(y_true) else one_hot(y_true, y_pred)
        return keras.losses.categorical_crossentropy(
            labels, y_pred, from_logits=True, label_smoothing=self.label_smoothing
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


def is_soft(labels: Tensor) -> bool:
    """Returns whether labels are soft, `(batch, num_classes)`, instead of integers `(batch,)`."""
    return len(labels.shape) == 2 and labels.shape[-1] != 1


def one_hot(labels: Tensor, logits: Tensor) -> Tensor:
    return ops.one_hot(ops.cast(ops.reshape(labels, (-1,)), "int32"), logits.shape[-1])
