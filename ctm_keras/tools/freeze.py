"""Frozen image models: which layers they are, and the model split where learning begins."""

from typing import Any

import keras
from keras import tree

from ..assembly import image_anatomy
from ..engine.folding import Fold, Unfold
from ..methods import NETWORKS
from ..types import Tensor
from ..weights.origin import Origin


def image_layers(model: keras.Model, until: str = "backbone") -> list[keras.Layer]:
    """Returns the layers with weights that a video model has from its image model.

    Layers that replace one of the image model, such as inflated convolutions, are among them.

    Args:
        model: A video model.
        until: `"backbone"` for all of them, or the last stage, such as `"stage3"`.

    Raises:
        ValueError: If `until` is invalid, or the model is not built on an image model.

    Example:
        >>> model = build_video_model("ctm", "tiny", 4, image_size=64, weights=None)
        >>> image_layers(model)[0].name
        'conv1_conv'
    """
    origin = Origin.of(model)
    if origin.method in NETWORKS or not origin.backbone:
        raise ValueError(
            f"{model.name} is not built on an image model, so its layers can only be trained "
            "together."
        )
    anatomy = image_anatomy(origin.backbone, model.input_shape[2], None)
    output = anatomy.model.output
    if until != "backbone":
        outputs = {f"stage{x.stage}": x.operation.output for x in anatomy.at("stage_output")}
        if until not in outputs:
            raise ValueError(
                f"The part to freeze (--freeze) must be one of backbone, {', '.join(outputs)} for "
                f"{origin.backbone}, received {until}."
            )
        output = outputs[until]
    names = {op.name for op in keras.Model(anatomy.model.input, output).operations}
    return [layer for layer in model.layers if layer.weights and layer.name in names]


def freeze(model: keras.Model, until: str = "backbone") -> list[str]:
    """Freezes the layers that a video model has from its image model, for small data sets.

    Frozen layers keep their weights, and their batch norms use the moving statistics. New layers,
    the temporal ones and the head, are trained.

    Args:
        model: A video model. Compile it afterwards.
        until: `"backbone"` to freeze the whole image model, or the last frozen stage, such as
            `"stage3"`. Stages are those of the option `stages`. Defaults to `"backbone"`.

    Returns:
        The names of the frozen layers.

    Raises:
        ValueError: If `until` is invalid, or the model is not built on an image model.

    Example:
        >>> model = build_video_model("ctm", "tiny", 4, image_size=64, weights=None, stages="head")
        >>> freeze(model)[-1]
        'conv4_block4_2_bn'
        >>> sorted({weight.path.split("/")[0] for weight in model.trainable_weights})
        ['head_ctm', 'scores']
    """
    layers = image_layers(model, until)
    for layer in layers:
        layer.trainable = False
    return [layer.name for layer in layers]


def split(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Splits a model where learning begins, so that the frozen part can be computed once.

    The trunk is everything before the first layers that learn; it may return several tensors. The
    rest maps these to the model's outputs. Both share the layers of the model, so training the
    rest trains the model. A dropout between the last frozen and the first learning layer belongs
    to the rest.

    Args:
        model: A functional model, with some layers frozen.

    Returns:
        The models `trunk` and `rest`; `rest(trunk(clips))` equals `model(clips)`.

    Raises:
        ValueError: If all layers are frozen.

    Example:
        >>> model = build_video_model("ctm", "tiny", 4, image_size=64, weights=None, stages="head")
        >>> frozen = freeze(model)
        >>> trunk, rest = split(model)
        >>> rest.input_shape
        (None, 8, 8, 8, 64)
    """
    if not model.trainable_weights:
        raise ValueError(f"Nothing of {model.name} would learn: all layers are frozen.")
    return _Split(model).models()


class _Split:
    """The calls of a model's graph, divided into those of the trunk and those of the rest."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.calls: list[tuple[keras.Operation, tuple, dict[str, Any], Tensor]] = []
        self.frames: dict[int, int | None] = {}  # of folded tensors, by id
        self.made: dict[int, Tensor] = {}  # tensors of the rest, by the id of the model's
        self.ends: list[Tensor] = []  # outputs of the trunk
        self.inputs: list[Tensor] = []  # of the rest

    def models(self) -> tuple[keras.Model, keras.Model]:
        """Returns the trunk and the rest."""
        clip, output = self._record()
        learning = self._learning()
        for operation, args, kwargs, x in self.calls:
            if id(x) in learning:
                new = tree.map_structure(self._in_the_rest, (args, kwargs))
                self.made[id(x)] = operation(*new[0], **new[1])
        rest = keras.Model(_single(self.inputs), self.made[id(output)], name="rest")
        return keras.Model(clip, _single(self.ends), name="trunk"), rest

    def _record(self) -> tuple[Tensor, Tensor]:
        """Replays the model and notes its calls; returns the new input and output."""

        def call(operation: keras.Operation, *args: Any, **kwargs: Any) -> Tensor:
            x = operation(*args, **kwargs)
            self.calls.append((operation, args, kwargs, x))
            frames = [self.frames.get(id(y)) for y in _tensors(args, kwargs)]
            if isinstance(operation, Fold):
                frames = [operation.num_frames]
            self.frames[id(x)] = None if isinstance(operation, Unfold) else frames[0]
            return x

        clip = keras.Input(self.model.input_shape[1:], dtype=self.model.input.dtype, name="clip")
        keras.models.clone_model(
            self.model, input_tensors=clip, clone_function=lambda layer: layer, call_function=call
        )
        return clip, self.calls[-1][3]

    def _learning(self) -> set[int]:
        """Returns the ids of the tensors that are computed in the rest."""
        learning: set[int] = set()
        readers: dict[int, list[int]] = {}
        for operation, args, kwargs, x in self.calls:
            inputs = [id(y) for y in _tensors(args, kwargs)]
            for y in inputs:
                readers.setdefault(y, []).append(id(x))
            if getattr(operation, "trainable_weights", ()) or learning.intersection(inputs):
                learning.add(id(x))
        for operation, _, _, x in reversed(self.calls):
            # Dropout must differ from epoch to epoch, and unfolded copies need not be kept.
            movable = hasattr(operation, "seed_generator") or isinstance(operation, Unfold)
            if movable and learning.issuperset(readers.get(id(x), ())):
                learning.add(id(x))
        return learning

    def _in_the_rest(self, x: Any) -> Any:
        """Returns a tensor of the rest; a tensor of the trunk becomes an input of the rest."""
        if not keras.utils.is_keras_tensor(x):
            return x
        if id(x) not in self.made:
            name, frames = f"features_{len(self.ends)}", self.frames.get(id(x))
            end = x if frames is None else Unfold(frames, dtype=x.dtype, name=f"{name}_unfold")(x)
            features = keras.Input(end.shape[1:], dtype=x.dtype, name=name)
            self.ends.append(end)
            self.inputs.append(features)
            folded = Fold(dtype=x.dtype, name=f"{name}_fold")
            self.made[id(x)] = features if frames is None else folded(features)
        return self.made[id(x)]


def _tensors(args: tuple, kwargs: dict[str, Any]) -> list[Tensor]:
    return [x for x in tree.flatten((args, kwargs)) if keras.utils.is_keras_tensor(x)]


def _single(tensors: list[Tensor]) -> Any:
    return tensors[0] if len(tensors) == 1 else tensors
