"""The vocabulary of grafting: sites of an image model and edits at them."""

from dataclasses import dataclass
from typing import Literal

import keras

Role = Literal[
    "stem",  # the first convolution
    "residual_entry",  # what first reads the block's input in its residual branch
    "middle",  # the k x k convolution of a residual branch; a basic block has two
    "middle_output",  # its last batch norm or activation
    "shortcut",  # the convolution of a shortcut, where there is one
    "block_output",
    "stage_output",  # the output of a stage's last block
    "pool",  # a pooling layer
    "head",  # the last operation; its output is pooled and classified
]
Edit = Literal["before", "after", "instead"]


@dataclass(frozen=True)
class Site:
    """A place in an image model, named by its role.

    Args:
        role: Role of the operation in the network.
        operation: The layer or Keras operation at this site.
        block: Name of its block, the prefix of the layer names (`"conv4_block1"`, `"head"`).
        stage: Number of the stage, as in Res2 to Res5: maps of stage k have stride 2**k.
        index: Position of the block in its stage, counted from 1.
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
    """An edit: puts `layer` before, after or instead of the operation at `site`.

    The layer reads `(batch, frames, height, width, channels)`. It may change the number of frames,
    but no other size; with `"instead"` it returns the sizes that the replaced operation returns.

    A layer with the edit `"instead"` has the name of the operation that it replaces, because
    weights are matched by name. Its method `adopt(replaced)` converts the weights; without that
    method the shapes must be equal.

    With `reads`, the layer is called with two clips. The second is the input of the operation at
    that site, before any edits and without the zeros of a padding layer; at the head, it is the
    output of the last operation, before any edits.
    """

    site: Site
    edit: Edit
    layer: keras.layers.Layer
    reads: Site | None = None
