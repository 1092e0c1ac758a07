"""A video model and its two parts: the frozen trunk and what learns."""

from dataclasses import dataclass

import keras

import ctm_keras
from tfrecords.text import counted
from training.costs.count import trained_parameters


@dataclass(frozen=True)
class Network:
    """The parts of a model in training. They share its layers.

    Args:
        model: The whole video model, which is saved.
        trunk: Everything before the first layer that learns, or None if nothing is frozen.
        learner: What is trained: the rest of the model, or the model itself.
    """

    model: keras.Model
    trunk: keras.Model | None
    learner: keras.Model

    @classmethod
    def of(cls, model: keras.Model, freeze: str | None) -> "Network":
        """Freezes a part of the image model; None freezes nothing.

        Raises:
            ValueError: If that part does not exist.
        """
        if freeze is None:
            return cls(model, None, model)
        ctm_keras.freeze(model, freeze)
        return cls(model, *ctm_keras.split(model))

    def __str__(self) -> str:
        """What is frozen, what learns, and where the trunk ends."""
        frozen = [x for x in self.model.layers if x.weights and not x.trainable]
        if self.trunk is None:
            return f"Frozen layers: {', '.join(x.name for x in frozen) or 'none'}"
        learning = [x.name for x in self.model.layers if x.trainable_weights]
        shapes = [" x ".join(map(str, x.shape[1:])) for x in self.trunk.outputs]
        return (
            f"Frozen: {counted(len(frozen), 'layer')}, {frozen[0].name} to {frozen[-1].name}. "
            f"Learning: {trained_parameters(self.model):,} parameters in {', '.join(learning)}. "
            f"The frozen part returns {' and '.join(shapes)} values for a clip."
        )
