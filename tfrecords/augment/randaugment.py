"""RandAugment: a few of fifteen operations, drawn once for a clip, each with its strength.

The operations, their ranges and the spelling `rand-m7-n4-mstd0.5-inc1` are timm's, as PySlowFast
uses them; each drawn operation is done with probability 1/2. Pillow does the pixels.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from tfrecords.augment.pillow import Change, as_one, one_by_one

GREY = (128, 128, 128)  # of what a shifted picture leaves free
PROBABILITY, MOST = 0.5, 10.0
_SPELLING = re.compile(r"(m|n|mstd|inc)(\d+(?:\.\d+)?)")


class Policy(NamedTuple):
    """What `rand-m7-n4-mstd0.5-inc1` says.

    Args:
        m: float, strength from 0 to 10.
        n: int, operations of a clip.
        mstd: float, standard deviation of the strength.
        inc: bool, whether every operation changes more as the strength grows.
    """

    m: float = 10.0
    n: int = 2
    mstd: float = 0.0
    inc: bool = False


def parse(spelling: str) -> Policy | None:
    """Reads timm's spelling of a policy; None for `"none"`.

    Raises:
        ValueError: If it is spelt otherwise, or m is above 10.
    """
    if spelling == "none":
        return None
    name, *parts = str(spelling).split("-")
    found = [_SPELLING.fullmatch(part) for part in parts]
    values = dict(match.groups() for match in found if match)
    if name != "rand" or len(values) != len(parts) or "." in values.get("n", ""):
        raise ValueError(
            "randaugment must be none or spelt as rand-m7-n4-mstd0.5-inc1 (m strength, n "
            f"operations, mstd its deviation, inc 1 or 0), got {spelling!r}"
        )
    policy = Policy(**{key: float(value) for key, value in values.items()})
    if policy.m > MOST:
        raise ValueError(f"randaugment's strength m must be at most 10, got {spelling!r}")
    return policy._replace(n=int(policy.n), inc=bool(policy.inc))


def randaugment(clip: np.ndarray, policy: Policy, rng: np.random.Generator) -> np.ndarray:
    """Changes a clip by a policy.

    Args:
        clip: uint8 array of shape `(T, S, S, 3)`.
        policy: `Policy`.
        rng: np.random.Generator.

    Output shape:
        The same as the input.

    Reference:
        - [RandAugment](https://arxiv.org/abs/1909.13719)
    """
    for name, strength, sign in draw(policy, rng):
        clip = apply(clip, name, strength, sign, policy.inc)
    return clip


def draw(policy: Policy, rng: np.random.Generator) -> list[tuple[str, float, int]]:
    """The operations of a clip: name, strength from 0 to 10, and which way (1 or -1)."""
    names = list(OPERATIONS)
    chosen = rng.integers(len(names), size=policy.n)
    done = rng.random(policy.n) < PROBABILITY
    strengths = np.clip(rng.normal(policy.m, policy.mstd, policy.n), 0, MOST)
    signs = rng.choice([1, -1], policy.n)
    rows = zip(chosen, done, strengths.tolist(), signs.tolist(), strict=True)
    return [(names[number], strength, sign) for number, use, strength, sign in rows if use]


def apply(clip: np.ndarray, name: str, strength: float, sign: int, inc: bool) -> np.ndarray:
    """One operation on all frames of a clip."""
    operation = OPERATIONS[name]
    whole = operation.whole
    share = strength / MOST
    value = operation.value(share, sign, inc) if operation.value else None
    change: Change = operation.change if value is None else partial(operation.change, value=value)
    return as_one(clip, change) if whole else one_by_one(clip, change)


class Operation(NamedTuple):
    """An operation: what it does, its value at a share of the strength, and to what.

    Args:
        change: function of an image and `value`.
        value: function of (share of the greatest strength, sign, inc), or None without a value.
        whole: bool, whether it sees the clip as one image.
    """

    change: Callable
    value: Callable | None = None
    whole: bool = True


def _enhance(kind: type) -> Operation:
    return Operation(lambda image, value: kind(image).enhance(value), _factor)


def _factor(share: float, sign: int, inc: bool) -> float:
    return 1 + sign * 0.9 * share if inc else 0.1 + 1.8 * share


def _bits(share: float, sign: int, inc: bool) -> int:
    return 4 - int(4 * share) if inc else int(4 * share)


def _threshold(share: float, sign: int, inc: bool) -> int:
    return 256 - int(256 * share) if inc else int(256 * share)


def _up_to(most: float) -> Callable:
    return lambda share, sign, inc: sign * most * share


def _solarize_add(image: Image.Image, value: int) -> Image.Image:
    """Adds to the dark half of the values."""
    return image.point([min(255, i + value) if i < 128 else i for i in range(256)] * 3)


def _affine(image: Image.Image, matrix: tuple[float, ...]) -> Image.Image:
    return image.transform(
        image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC, fillcolor=GREY
    )


def _rotate(image: Image.Image, value: float) -> Image.Image:
    return image.rotate(value, Image.Resampling.BICUBIC, fillcolor=GREY)


def _moved(matrix: Callable, most: float) -> Operation:
    return Operation(
        lambda image, value: _affine(image, matrix(value, image.size)), _up_to(most), whole=False
    )


OPERATIONS = {
    "AutoContrast": Operation(ImageOps.autocontrast),
    "Equalize": Operation(ImageOps.equalize),
    "Invert": Operation(ImageOps.invert),
    "Rotate": Operation(_rotate, _up_to(30), whole=False),
    "Posterize": Operation(lambda image, value: ImageOps.posterize(image, value), _bits),
    "Solarize": Operation(lambda image, value: ImageOps.solarize(image, value), _threshold),
    "SolarizeAdd": Operation(_solarize_add, lambda share, sign, inc: int(110 * share)),
    "Color": _enhance(ImageEnhance.Color),
    "Contrast": _enhance(ImageEnhance.Contrast),
    "Brightness": _enhance(ImageEnhance.Brightness),
    "Sharpness": _enhance(ImageEnhance.Sharpness)._replace(whole=False),
    "ShearX": _moved(lambda value, size: (1, value, 0, 0, 1, 0), 0.3),
    "ShearY": _moved(lambda value, size: (1, 0, 0, value, 1, 0), 0.3),
    "TranslateX": _moved(lambda value, size: (1, 0, value * size[0], 0, 1, 0), 0.45),
    "TranslateY": _moved(lambda value, size: (1, 0, 0, 0, 1, value * size[1]), 0.45),
}
