"""Replays the graph of an image model on folded clips, with edits."""

import re
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, tree

from ..types import Tensor
from .anatomy import Anatomy
from .folding import Fold, Unfold
from .graft import Graft
from .inherit import inherit

BATCH_NORM_MOMENTUM = 0.9


def tidy_names(model: keras.Model) -> keras.Model:
    """Numbers automatically named operations within the model, for the same names every time."""
    counts: dict[str, int] = {}
    for op in model.operations:
        kind = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", type(op).__name__)
        kind = re.sub("([a-z])([A-Z])", r"\1_\2", kind).lower()
        if re.fullmatch(rf"{kind}(_\d+)?", op.name):
            count = counts.setdefault(kind, 0)
            op.name = f"{kind}_{count}" if count else kind
            counts[kind] += 1
    return model


def operate(anatomy: Anatomy, clip: Tensor, grafts: Sequence[Graft]) -> Tensor:
    """Applies an image model to each frame, with temporal layers grafted in.

    The same layer objects are called again, with their names and weights. Preprocessing layers of
    the image model are skipped.

    Args:
        anatomy: Anatomy of the image model.
        clip: Symbolic tensor `(batch, frames, height, width, 3)`, preprocessed.
        grafts: The edits. Edits at the same site are applied in this order.

    Returns:
        The features `(batch * frames, height, width, channels)` and the number of frames.

    Raises:
        ValueError: If a site does not exist or is not visited exactly once, if a grafted layer
            returns a shape that does not fit, or if branches with different numbers of frames
            meet.
    """
    return _Replay(anatomy, clip, grafts).run()


class _Replay:
    """One traversal of the graph of an image model."""

    def __init__(self, anatomy: Anatomy, clip: Tensor, grafts: Sequence[Graft]) -> None:
        self.anatomy = anatomy
        self.clip = clip
        self.grafts = list(grafts)
        self.hits = [0] * len(self.grafts)
        # Tensors are kept alive with their number of frames, so that ids stay unique.
        self.frames: dict[int, tuple[object, int]] = {}
        self.read: dict[int, object] = {}
        self.unpadded: dict[int, object] = {}

    def run(self) -> Tensor:
        self._check_sites()
        folded = Fold(name="fold")(self.clip)
        self._note(folded, self.clip.shape[1])
        outputs = []

        def call(operation: keras.Operation, *args: tuple, **kwargs: Any) -> Tensor:
            outputs.append(self._call(operation, args, kwargs))
            return outputs[-1]

        keras.models.clone_model(
            self.anatomy.model,
            input_tensors=folded,
            clone_function=lambda layer: layer,
            call_function=call,
        )
        self._check_hits()
        for graft in self.grafts:
            if graft.edit == "instead":
                inherit(graft.layer, graft.site.operation)
        return outputs[-1], self._frames_of(outputs[-1])

    def _call(self, operation: keras.Operation, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Calls one operation of the image model, with the edits at its site."""
        inputs = [x for x in tree.flatten((args, kwargs)) if keras.utils.is_keras_tensor(x)]
        if isinstance(operation, (layers.Rescaling, layers.Normalization)):
            return inputs[0]
        frames = self._common_frames(operation, inputs)
        self.read[id(operation)] = self.unpadded.get(id(inputs[0]), inputs[0])
        for graft in self._take(operation, "before"):
            x, frames = self._insert(graft, self._single(graft, inputs), frames)
            inputs, args = [x], (x,)
        instead = self._take(operation, "instead")
        if instead:
            x, frames = self._insert(instead[0], self._single(instead[0], inputs), frames)
        elif _drops_whole_images(operation):
            x = self._clip_dropout(operation, inputs[0], frames)
        else:
            if isinstance(operation, layers.BatchNormalization):
                operation.momentum = BATCH_NORM_MOMENTUM
            x = operation(*args, **kwargs)
        if operation.output is self.anatomy.model.output:
            self.read[id(operation)] = x
            self._note(x, frames)
        for graft in self._take(operation, "after"):
            x, frames = self._insert(graft, x, frames)
        self._note(x, frames)
        if isinstance(operation, layers.ZeroPadding2D):
            self.unpadded[id(x)] = inputs[0]
        return x

    def _insert(self, graft: Graft, x: Tensor, frames: int) -> Tensor:
        """Unfolds, applies the temporal layer, folds again."""
        expected = x.shape[1:]
        if graft.edit == "instead":
            expected = graft.site.operation.output.shape[1:]
        name = graft.layer.name
        clip = Unfold(frames, name=f"{name}_unfold")(x)
        if graft.reads is not None:
            other = self._other(graft, frames)
            clip = [clip, Unfold(frames, name=f"{name}_unfold_other")(other)]
        clip = graft.layer(clip)
        if len(clip.shape) != 5 or clip.shape[1] is None or clip.shape[2:] != expected:
            raise ValueError(
                f"The layer {name!r} {graft.edit} {graft.site} must return (batch, frames, "
                f"{', '.join(map(str, expected))}) with a fixed number of frames, received "
                f"{clip.shape}."
            )
        return Fold(name=f"{name}_fold")(clip), clip.shape[1]

    def _other(self, graft: Graft, frames: int) -> keras.Layer:
        """Returns the second tensor that a graft reads."""
        other = self.read.get(id(graft.reads and graft.reads.operation))
        if other is None or self._frames_of(other) != frames:
            raise ValueError(
                f"{graft.layer.name!r} at {graft.site} cannot read the input of {graft.reads}, "
                "which must be earlier in the network and have the same number of frames."
            )
        return other

    def _clip_dropout(self, dropout: keras.Operation, x: Tensor, frames: int) -> Tensor:
        """Applies stochastic depth to whole clips instead of single frames."""
        name = dropout.name
        x = Unfold(frames, name=f"{name}_unfold")(x)
        x = layers.Dropout(dropout.rate, noise_shape=(None, 1, 1, 1, 1), name=name)(x)
        return Fold(name=f"{name}_fold")(x)

    def _take(self, operation: keras.Operation, edit: str) -> list[Graft]:
        found = [
            i
            for i, graft in enumerate(self.grafts)
            if graft.edit == edit and graft.site.operation is operation
        ]
        for i in found:
            self.hits[i] += 1
            if self.hits[i] > 1:
                raise ValueError(
                    f"{self.grafts[i].site} is visited more than once and cannot be edited: "
                    f"{self.anatomy.backbone} shares its weights between several places."
                )
        return [self.grafts[i] for i in found]

    def _note(self, x: Any, frames: int) -> None:
        self.frames[id(x)] = (x, frames)

    def _frames_of(self, x: Tensor) -> int:
        return self.frames[id(x)][1]

    def _common_frames(self, operation: keras.Operation, inputs: Any) -> int:
        frames = {self._frames_of(x) for x in inputs}
        if len(frames) != 1:
            raise ValueError(
                f"Branches that meet in {operation.name!r} must have the same number of frames, "
                f"received {' and '.join(map(str, sorted(frames)))}. Put a layer that changes the "
                "number of frames at a site on all paths (block_output, stage_output, stem) or on "
                "each branch."
            )
        return frames.pop()

    def _single(self, graft: Graft, inputs: Any) -> Tensor:
        if len(inputs) != 1:
            raise ValueError(
                f"{graft.site} must have one input for {graft.layer.name!r} {graft.edit} it, "
                f"received {len(inputs)}. Choose a site with one input, or edit 'after'."
            )
        return inputs[0]

    def _check_sites(self) -> None:
        known = {id(site.operation) for site in self.anatomy.sites}
        for graft in self.grafts:
            if graft.edit not in ("before", "after", "instead"):
                raise ValueError(
                    f"The edit of {graft.layer.name!r} at {graft.site} must be 'before', 'after' "
                    f"or 'instead', received {graft.edit!r}."
                )
            if id(graft.site.operation) not in known:
                raise ValueError(self._no_such_site(graft))
        taken = [g.site.operation.name for g in self.grafts if g.edit == "instead"]
        added = [g.layer.name for g in self.grafts if g.edit != "instead"]
        for what, names in (("replace", taken), ("be called", added)):
            twice = [name for name in names if names.count(name) > 1]
            if twice:
                raise ValueError(
                    f"Only one layer may {what} {twice[0]}, received several. These methods "
                    "cannot be combined."
                )

    def _check_hits(self) -> None:
        for graft, hits in zip(self.grafts, self.hits, strict=True):
            if hits != 1:
                raise ValueError(f"{graft.site} is never reached.\n{self._no_such_site(graft)}")

    def _no_such_site(self, graft: Graft) -> str:
        sites = "\n  ".join(dict.fromkeys(map(str, self.anatomy.sites)))
        return (
            f"{self.anatomy.backbone} has no site {graft.site} for {graft.layer.name!r}. "
            f"Sites:\n  {sites}"
        )


def _drops_whole_images(operation: keras.Operation) -> bool:
    """Returns whether an operation is stochastic depth: one draw for a whole image."""
    shape = operation.noise_shape if isinstance(operation, layers.Dropout) else None
    return shape is not None and shape[0] is None and set(shape[1:]) == {1}
