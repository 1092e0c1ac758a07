"""RandAugment: a few of fifteen operations, drawn once per clip, each with its own strength.

The operations, their ranges and the notation `rand-m7-n4-mstd0.5-inc1` are timm's, as PySlowFast
uses them. Each drawn operation is applied with probability 1/2.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from tfrecords.augment import operations
from tfrecords.augment.operations import affine, as_one, by_table

PROBABILITY, MOST = 0.5, 10.0
_SPELLING = re.compile(r"(m|n|mstd|inc)(\d+(?:\.\d+)?)")


class Policy(NamedTuple):
    """The policy that a string such as `rand-m7-n4-mstd0.5-inc1` specifies.

    Args:
        m: Strength from 0 to 10.
        n: Operations per clip.
        mstd: Standard deviation of the strength.
        inc: Whether the effect of every operation increases with the strength.
    """

    m: float = 10.0
    n: int = 2
    mstd: float = 0.0
    inc: bool = False


def parse(spelling: str) -> Policy | None:
    """Parses timm's notation of a policy; returns None for `"none"`.

    Raises:
        ValueError: If the notation is invalid or m is above 10.
    """
    if spelling == "none":
        return None
    name, *parts = str(spelling).split("-")
    found = [_SPELLING.fullmatch(part) for part in parts]
    values = {match[1]: match[2] for match in found if match}
    if name != "rand" or len(values) != len(parts) or "." in values.get("n", ""):
        raise ValueError(
            "randaugment must be none or a policy such as rand-m7-n4-mstd0.5-inc1 (m strength, n "
            "number of operations, mstd standard deviation of the strength, inc 1 or 0), received "
            f"{spelling!r}."
        )
    numbers: dict[str, Any] = {key: float(value) for key, value in values.items()}
    policy = Policy(**numbers)
    if policy.m > MOST:
        raise ValueError(f"randaugment's strength m must be at most 10, received {spelling!r}.")
    return policy._replace(n=int(policy.n), inc=bool(policy.inc))


def randaugment(clip: np.ndarray, policy: Policy, rng: np.random.Generator) -> np.ndarray:
    """Changes a clip by a policy.

    Args:
        clip: Uint8 array of shape `(T, S, S, 3)`.
        policy: The policy.
        rng: Random generator.

    Output shape:
        The same as the input.

    Reference:
        - [RandAugment](https://arxiv.org/abs/1909.13719)
    """
    for name, strength, sign in draw(policy, rng):
        clip = apply(clip, name, strength, sign, policy.inc)
    return clip


def draw(policy: Policy, rng: np.random.Generator) -> list[tuple[str, float, int]]:
    """Draws the operations of a clip: name, strength from 0 to 10, and direction (1 or -1)."""
    names = list(OPERATIONS)
    chosen = rng.integers(len(names), size=policy.n)
    done = rng.random(policy.n) < PROBABILITY
    strengths = np.clip(rng.normal(policy.m, policy.mstd, policy.n), 0, MOST)
    signs = rng.choice([1, -1], policy.n)
    rows = zip(chosen, done, strengths.tolist(), signs.tolist(), strict=True)
    return [(names[number], strength, sign) for number, use, strength, sign in rows if use]


def apply(clip: np.ndarray, name: str, strength: float, sign: int, inc: bool) -> np.ndarray:
    """Applies one operation to all frames of a clip."""
    change, value = OPERATIONS[name]
    return change(clip, value(strength / MOST, sign, inc))


# The value of an operation at a fraction of the maximum strength, in direction 1 or -1.


def _none(share: float, sign: int, inc: bool) -> None:
    return None


def _factor(share: float, sign: int, inc: bool) -> float:
    return 1 + sign * 0.9 * share if inc else 0.1 + 1.8 * share


def _bits(share: float, sign: int, inc: bool) -> int:
    return 4 - int(4 * share) if inc else int(4 * share)


def _threshold(share: float, sign: int, inc: bool) -> int:
    return 256 - int(256 * share) if inc else int(256 * share)


def _added(share: float, sign: int, inc: bool) -> int:
    return int(110 * share)


def _up_to(most: float) -> Callable:
    return lambda share, sign, inc: sign * most * share


def _add_to_dark(image: Image.Image, value: int) -> Image.Image:
    return image.point([min(255, i + value) if i < 128 else i for i in range(256)] * 3)


OPERATIONS = {  # name: (function of clip and value, function that computes the value)
    "AutoContrast": (lambda clip, _: as_one(clip, ImageOps.autocontrast), _none),
    "Equalize": (lambda clip, _: as_one(clip, ImageOps.equalize), _none),
    "Invert": (lambda clip, _: by_table(clip, ImageOps.invert), _none),
    "Rotate": (operations.rotate, _up_to(30)),
    "Posterize": (lambda clip, n: by_table(clip, lambda i: ImageOps.posterize(i, n)), _bits),
    "Solarize": (lambda clip, n: by_table(clip, lambda i: ImageOps.solarize(i, n)), _threshold),
    "SolarizeAdd": (lambda clip, n: by_table(clip, lambda i: _add_to_dark(i, n)), _added),
    "Color": (operations.saturation, _factor),
    "Contrast": (operations.contrast, _factor),
    "Brightness": (operations.brightness, _factor),
    "Sharpness": (operations.sharpness, _factor),
    "ShearX": (lambda clip, x: affine(clip, (1, x, 0, 0, 1, 0)), _up_to(0.3)),
    "ShearY": (lambda clip, y: affine(clip, (1, 0, 0, y, 1, 0)), _up_to(0.3)),
    "TranslateX": (lambda clip, x: affine(clip, (1, 0, x * clip.shape[2], 0, 1, 0)), _up_to(0.45)),
    "TranslateY": (lambda clip, y: affine(clip, (1, 0, 0, 0, 1, y * clip.shape[1])), _up_to(0.45)),
}
