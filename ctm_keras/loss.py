"""The loss: cross-entropy of integer labels, with label smoothing."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ctm_keras")
class SmoothedCrossentropy(keras.losses.Loss):
    """Softmax cross-entropy from logits and integer labels, with label smoothing.

    Keras smooths one-hot labels only; the data sets here give integers.

    Args:
        label_smoothing: Float in [0, 1), the share of the target spread over all classes.
        **kwargs: Passed on to `keras.losses.Loss`.

    Input shape:
        Labels `(batch,)` and logits `(batch, num_classes)`.

    Example:

    >>> model.compile(loss=SmoothedCrossentropy(0.1))
    """

    def __init__(self, label_smoothing=0.0, name="smoothed_crossentropy", **kwargs):
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must be in [0, 1), received {label_smoothing}.")
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        labels = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), y_pred.shape[-1])
        return keras.losses.categorical_crossentropy(
            labels, y_pred, from_logits=True, label_smoothing=self.label_smoothing
        )

    def get_config(self):
        return {**super().get_config(), "label_smoothing": self.label_smoothing}
