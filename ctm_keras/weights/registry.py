"""The table of published checkpoints that can be named as weights, `registry.csv`."""

import ast
import csv
import difflib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NUMBERS = ("num_frames", "interval", "rate", "short_side", "classes")
LISTS = ("given", "allow")


@dataclass(frozen=True)
class Published:
    """A published checkpoint, as its project describes it.

    Args:
        name: Its name here.
        method: Temporal method.
        backbone: Image model.
        options: Options of the method.
        given: Those of them that the keys of the file do not reveal.
        allow: Patterns of keys that no layer needs.
        num_frames: Frames per clip; None for an image model.
        sampling: How the frames of a clip are chosen; None for an image model.
        interval: Distance between the frames of a dense clip.
        rate: Frames per second to which videos are resampled, or None.
        short_side: Short side of a frame in pixels when it was tested.
        classes: Number of classes.
        data_set: What it was trained on.
        top1: Published accuracy in percent.
        top5: Published accuracy in percent, if any.
        protocol: How it was tested: the name of a protocol of `ctm evaluate`, or in words.
        project: The project that published it.
        license: License of the project; none states one for the weights themselves.
        address: Where the file is.
        sha256: First digits of its digest; empty if none is published.
        size_mib: Its size, if published.
        note: What else to know.
        source: Where the project says all this.
    """

    name: str
    method: str
    backbone: str
    options: dict[str, Any]
    given: tuple[str, ...]
    allow: tuple[str, ...]
    num_frames: int | None
    sampling: str | None
    interval: int | None
    rate: int | None
    short_side: int
    classes: int
    data_set: str
    top1: str
    top5: str
    protocol: str
    project: str
    license: str
    address: str
    sha256: str
    size_mib: str
    note: str
    source: str

    @property
    def file(self) -> str:
        """The name of the checkpoint."""
        return self.address.rpartition("/")[2]

    @property
    def to_import(self) -> dict[str, Any]:
        """The options that the importer cannot infer from the keys."""
        return {name: self.options[name] for name in self.given}

    @property
    def view(self) -> dict[str, Any]:
        """How its clips are made from videos, see `ctm_keras.view_options`."""
        view = {
            "sampling": self.sampling,
            "interval": self.interval,
            "scale": [self.short_side, self.short_side],
            "resampled": True if self.rate else None,
            "fps": self.rate,
            "protocol": None if " " in self.protocol else self.protocol,
        }
        return {name: value for name, value in view.items() if value is not None}


@functools.cache
def published_weights() -> dict[str, Published]:
    """Returns all published checkpoints by name."""
    with Path(__file__).with_name("registry.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: _parse(row) for row in csv.DictReader(file)}


def _parse(row: dict[str, str]) -> Published:
    parse: dict[str, Callable] = {
        "options": lambda text: ast.literal_eval(text or "{}"),
        "sampling": lambda text: text or None,
        **dict.fromkeys(NUMBERS, lambda text: int(text) if text else None),
        **dict.fromkeys(LISTS, lambda text: tuple(text.split())),
    }
    return Published(**{key: parse.get(key, str)(text) for key, text in row.items()})


def is_published(weights: str | Path | None) -> bool:
    """Returns whether weights are the name of a published checkpoint; a path that exists wins."""
    return str(weights) in published_weights() and not Path(str(weights)).exists()


def nearest_names(name: object) -> str:
    """Returns a sentence with the names that are most like an unknown one, or an empty string."""
    near = difflib.get_close_matches(Path(str(name)).name.lower(), published_weights(), n=3)
    return f" Published weights with similar names: {', '.join(near)}." if near else ""
