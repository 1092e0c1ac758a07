"""How often the videos of a class are taken, compared with those of the others."""

import numbers
from collections.abc import Mapping

import numpy as np

Weights = str | Mapping[str, float] | None
WEIGHTINGS = {"balanced": 1.0, "sqrt": 0.5}  # a class of n videos: each has the weight n ** -power


def video_weights(counts: np.ndarray, class_names: tuple[str, ...], weights: Weights) -> np.ndarray:
    """The weight of one video of each class.

    Args:
        counts: Videos of each class.
        class_names: The classes, in order.
        weights: `"balanced"`, `"sqrt"`, or a mapping from class names to weights; 1 for the others.

    Raises:
        ValueError: If a name or a weight cannot be what it is, or no video is left.
    """
    if isinstance(weights, str):
        if weights not in WEIGHTINGS:
            raise ValueError(
                f"class_weights must be {', '.join(WEIGHTINGS)} or a mapping from class names to "
                f"numbers, got {weights!r}"
            )
        return np.maximum(counts, 1.0) ** -WEIGHTINGS[weights]
    weights = weights or {}
    if unknown := sorted(set(weights) - set(class_names)):
        raise ValueError(
            f"class_weights names {unknown[0]!r}, which is not a class. The classes are "
            f"{', '.join(class_names)}"
        )
    for name, weight in weights.items():
        number = isinstance(weight, numbers.Real) and not isinstance(weight, bool)
        if not number or not 0 <= weight < float("inf"):
            raise ValueError(f"class_weights of {name!r} must be 0 or more, got {weight!r}")
    found = np.array([float(weights.get(name, 1)) for name in class_names])
    if not (found * counts).any():
        raise ValueError(f"class_weights leave no video of the split: {weights!r}")
    return found
