"""The vocabulary of grafting: sites of an image model and edits at them."""

from dataclasses import dataclass
from typing import Literal

import keras

Role = Literal[
    "stem",
    "residual_entry",
    "middle",
    "middle_output",
    "shortcut",
    "block_output",
    "stage_output",
    "pool",
    "head",
]
Edit = Literal["before", "after", "instead"]


@dataclass(frozen=True)
class Site:
    """One place of an image model, named by its role.

    Args:
        role: Role of the operation in its network.
        operation: The layer (or bare Keras operation) that stands there.
        block: Name of the block it belongs to, as layer names begin (`"conv4_block1"`).
        stage: Number of the stage, as in Res2 to Res5: maps of stage k have stride 2**k.
        index: Place of the block in its stage, from 1.
    """

    role: Role
    operation: keras.Operation
    block: str = ""
    stage: int = 0
    index: int = 0

    def __str__(self) -> str:
        return f"{self.role} {self.operation.name}"


@dataclass(frozen=True)
class Graft:
    """One edit: `layer` stands before, after or instead of the operation at `site`.

    The layer sees `(batch, frames, height, width, channels)`. Only the frames may change
    in number, and, for `"instead"`, what the replaced operation would have changed.
    A layer that stands instead of another has its name, so that weights find it. If it has a
    method `adopt(replaced)` it takes its weights from it there; else they must have its shapes.
    With `reads`, the layer is called with two clips: the second is what the operation at that
    site reads, before any edit there and without the zeros of a padding layer.
    """

    site: Site
    edit: Edit
    layer: keras.layers.Layer
    reads: Site | None = None
