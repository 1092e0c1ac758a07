"""Replays the graph of an image model on folded clips and edits it: the only file on graphs."""

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
    """Numbers automatically named operations from their own model, alike in each process."""
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
    """Replays an image model frame by frame, with temporal layers grafted in.

    The layers of the image model are called again, as they are: the same objects, names and
    weights. Its own preprocessing layers are left out.

    Args:
        anatomy: Anatomy of the image model.
        clip: Symbolic tensor `(batch, frames, height, width, 3)`, preprocessed.
        grafts: The edits. Several at one site take effect in this order.

    Returns:
        The features `(batch * frames, height, width, channels)` and the number of frames.

    Raises:
        ValueError: If a site does not exist or is not hit exactly once, if a grafted layer
            returns another shape than the network needs, or if branches with different
            numbers of frames meet.
    """
    return _Replay(anatomy, clip, grafts).run()


class _Replay:
    """One walk over the graph of an image model."""

    def __init__(self, anatomy: Anatomy, clip: Tensor, grafts: Sequence[Graft]) -> None:
        self.anatomy = anatomy
        self.clip = clip
        self.grafts = list(grafts)
        self.hits = [0] * len(self.grafts)
        # Tensors are kept alive together with their T, so that no id is used twice.
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
        """One operation of the image model, with the edits at its site."""
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
                f"The layer {name!r} {graft.edit} {graft.site} returns {clip.shape}, but the "
                f"backbone needs (batch, frames, {', '.join(map(str, expected))}) there, with a "
                "fixed number of frames."
            )
        return Fold(name=f"{name}_fold")(clip), clip.shape[1]

    def _other(self, graft: Graft, frames: int) -> keras.Layer:
        """The second tensor that a graft reads."""
        other = self.read.get(id(graft.reads and graft.reads.operation))
        if other is None or self._frames_of(other) != frames:
            raise ValueError(
                f"{graft.layer.name!r} at {graft.site} cannot read what {graft.reads} reads: that "
                "must come earlier in the network, with as many frames."
            )
        return other

    def _clip_dropout(self, dropout: keras.Operation, x: Tensor, frames: int) -> Tensor:
        """Stochastic depth drops a clip's branch as a whole, not that of single frames."""
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
                    f"{self.grafts[i].site} is visited more than once: it shares its weights "
                    f"between several places of {self.anatomy.backbone} and cannot be edited."
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
                f"Branches with {' and '.join(map(str, sorted(frames)))} frames meet in "
                f"{operation.name!r}. A layer that changes the number of frames must stand where "
                "all paths go through (block_output, stage_output, stem), or on each of them."
            )
        return frames.pop()

    def _single(self, graft: Graft, inputs: Any) -> Tensor:
        if len(inputs) != 1:
            raise ValueError(
                f"{graft.layer.name!r} cannot stand {graft.edit} {graft.site}: that has "
                f"{len(inputs)} inputs. Take a site with one input, or edit 'after'."
            )
        return inputs[0]

    def _check_sites(self) -> None:
        known = {id(site.operation) for site in self.anatomy.sites}
        for graft in self.grafts:
            if graft.edit not in ("before", "after", "instead"):
                raise ValueError(
                    f"An edit is 'before', 'after' or 'instead', not {graft.edit!r} "
                    f"({graft.layer.name!r} at {graft.site})."
                )
            if id(graft.site.operation) not in known:
                raise ValueError(self._no_such_site(graft))
        taken = [id(g.site.operation) for g in self.grafts if g.edit == "instead"]
        if len(taken) != len(set(taken)):
            raise ValueError("Two layers were to stand instead of the same operation.")

    def _check_hits(self) -> None:
        for graft, hits in zip(self.grafts, self.hits, strict=True):
            if hits != 1:
                raise ValueError(f"{graft.site} is never reached.\n{self._no_such_site(graft)}")

    def _no_such_site(self, graft: Graft) -> str:
        sites = "\n  ".join(dict.fromkeys(map(str, self.anatomy.sites)))
        return (
            f"{self.anatomy.backbone} has no site {graft.site} for {graft.layer.name!r}. "
            f"Its sites are:\n  {sites}"
        )


def _drops_whole_images(operation: keras.Operation) -> bool:
    """Whether this is stochastic depth: one draw for all of an image."""
    shape = operation.noise_shape if isinstance(operation, layers.Dropout) else None
    return shape is not None and shape[0] is None and set(shape[1:]) == {1}
