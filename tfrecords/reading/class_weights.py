"""How often training samples the videos of each class."""

import numbers
from collections.abc import Mapping

import numpy as np

Weights = str | Mapping[str, float] | None
WEIGHTINGS = {"balanced": 1.0, "sqrt": 0.5}  # each of a class's n videos has weight n ** -power


def video_weights(counts: np.ndarray, class_names: tuple[str, ...], weights: Weights) -> np.ndarray:
    """The weight of one video of each class.

    Args:
        counts: Number of videos of each class.
        class_names: Class names, in label order.
        weights: `"balanced"`, `"sqrt"`, or a mapping from class names to weights. Other classes
            have weight 1.

    Raises:
        ValueError: If a class name is unknown, a weight is invalid, or no video remains.
    """
    if isinstance(weights, str):
        if weights not in WEIGHTINGS:
            raise ValueError(
                f"class_weights must be {', '.join(WEIGHTINGS)} or a mapping from class names to "
                f"numbers, received {weights!r}."
            )
        return np.maximum(counts, 1.0) ** -WEIGHTINGS[weights]
    weights = weights or {}
    if unknown := sorted(set(weights) - set(class_names)):
        raise ValueError(
            f"class_weights must map class names to numbers, received {unknown[0]!r}, which is not "
            f"a class. The classes are {', '.join(class_names)}."
        )
    for name, weight in weights.items():
        number = isinstance(weight, numbers.Real) and not isinstance(weight, bool)
        if not number or not 0 <= weight < float("inf"):
            raise ValueError(f"class_weights of {name!r} must be at least 0, received {weight!r}.")
    found = np.array([float(weights.get(name, 1)) for name in class_names])
    if not (found * counts).any():
        raise ValueError(
            "class_weights must be above 0 for a class that has videos in the split, received "
            f"{weights!r}."
        )
    return found
