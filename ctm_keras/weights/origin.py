"""What a model was built with, as it is kept in the model and in its `.keras` file."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import keras

from ..engine.anatomy import backbone_names, by_stage, find_family
from ..engine.families import STANDARDIZED
from ..engine.preprocessing import Preprocessing
from ..methods import METHODS, NETWORKS, default_frames, options_of
from ..temporal.inflate import FrameStride
from ..temporal.pooling import TemporalPooling

TEMPORAL = "ctm_keras.temporal"
UNCOMPARED = ("name", "dtype", "trainable")
PLACED = r"conv(\d)_block(\d+)_(ctm|nonlocal|cstm|cmm)"  # blocks that `stages` and `blocks` place


@dataclass(frozen=True)
class Origin:
    """The method, the backbone and the options that a video model was built with.

    Args:
        method: Temporal method.
        backbone: Image model; empty where the model does not tell.
        options: Options that were given, `temporal_pooling` among them.
    """

    method: str
    backbone: str
    options: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", _plain(self.options))

    def __str__(self) -> str:
        return repr(vars(self))  # a literal: JSON has no tuples, and no numbers as keys

    @classmethod
    def of(cls, model: keras.Model) -> "Origin":
        """The origin that a model notes, or what its name and layers tell."""
        if is_noted(model):
            return cls(**ast.literal_eval(model.layers[-1].built_with))
        ends = [name for name in backbone_names() if model.name.endswith(f"_{name}")]
        backbone = max(ends, key=len, default="")
        method = _method_named(model.name.removesuffix(f"_{backbone}"))
        return cls(method, backbone, _options_of_layers(model, method))

    @property
    def image_model(self) -> str:
        """The backbone; a network that is built whole has one with and without `tv_`."""
        name = self.backbone.lower()
        return name.removeprefix("tv_") if self.method in NETWORKS else name

    @property
    def pixels(self) -> Preprocessing:
        """What the weights of the image model expect, if nothing else is known of them."""
        if self.method in NETWORKS:
            return STANDARDIZED
        return find_family(self.backbone)[0].preprocessing

    @property
    def untold(self) -> list[str]:
        """The options of the method that are not noted: they were not given, or are unknown."""
        return [name for name in _names_of_options(self.method) if name not in self.options]


def is_noted(model: keras.Model) -> bool:
    """Whether a model notes its origin; older files do not."""
    return bool(model.layers[-1].built_with)


def is_temporal(layer: keras.Layer) -> bool:
    """Whether a layer is of a temporal method."""
    return type(layer).__module__.startswith(TEMPORAL)


def pixels_of(model: keras.Model) -> Preprocessing:
    """What a model makes of pixels."""
    layer = model.get_layer("preprocess")
    return Preprocessing(layer.channels, layer.mean, layer.scale)


def set_pixels(model: keras.Model, preprocessing: Preprocessing) -> None:
    """Lets a model read pixels in another way, also one that has been called."""
    if preprocessing != pixels_of(model):
        for name, value in vars(preprocessing).items():
            setattr(model.get_layer("preprocess"), name, value)
        model.train_function = model.test_function = model.predict_function = None


def frames_and_options(
    saved: keras.Model | None, method: str, num_frames: int | None, options: dict
) -> tuple[int, dict]:
    """The frames of a clip and the options: as given, else as the saved model was built.

    Args:
        saved: The model whose weights are taken, if any. One of another method says neither.
        method: Temporal method of the new model.
        num_frames: Frames that were requested, or None.
        options: Options that were given.
    """
    frames = None
    origin = saved and Origin.of(saved)
    if origin and origin.method == method:
        if default_frames(method, origin.options | options) == default_frames(
            method, origin.options
        ):
            frames = saved.input_shape[1] if saved else None
        options = origin.options | options
    if num_frames is None:
        num_frames = frames or default_frames(method, options)
    return num_frames, options


def settings(layer: keras.Layer) -> dict:
    """The configuration of a layer, as far as its scores depend on it."""
    config = layer.get_config().items()
    return {key: _plain(value) for key, value in config if key not in UNCOMPARED}


def _plain(value: object) -> object:
    """A value as a Python literal: sequences as tuples, no types of NumPy's."""
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(map(_plain, value))
    return value


def _method_named(name: str) -> str:
    """The method in the name of a model, which has `_` for `+`: `"tsm_ctm"` is `"tsm+ctm"`."""
    parts = re.findall("|".join(sorted(METHODS, key=len, reverse=True)), name)
    return "+".join(parts) if "_".join(parts) == name else name


def _names_of_options(method: str) -> list[str]:
    """The options of a method; none of a model that was renamed."""
    try:
        return [*options_of(method), "temporal_pooling"]
    except ValueError:
        return []


def _options_of_layers(model: keras.Model, method: str) -> dict:
    """The options that temporal layers tell by their settings and places, where all agree."""
    temporal = [layer for layer in model.layers if is_temporal(layer)]
    configs = [settings(layer) for layer in temporal if not isinstance(layer, TemporalPooling)]
    names = _names_of_options(method)
    found = {name: [c[name] for c in configs if name in c] for name in names}
    told = {name: v[0] for name, v in found.items() if v and all(x == v[0] for x in v)}
    told |= _places(temporal) | _temporal_pooling(temporal)
    return {name: value for name, value in told.items() if name in names}


def _places(temporal: list[keras.layers.Layer]) -> dict:
    """`stages` and `blocks`, where the names of layers tell them."""
    found = defaultdict(set)
    for match in (re.fullmatch(PLACED, layer.name) for layer in temporal):
        if match:
            found[match[3]].add((int(match[1]), int(match[2])))
    first, *others = found.values() or [set()]
    if not first or any(other != first for other in others):
        return {}
    blocks = by_stage(first)
    return {"stages": tuple(blocks), "blocks": blocks}


def _temporal_pooling(temporal: list[keras.layers.Layer]) -> dict:
    """`temporal_pooling`: alone it halves the frames in several places, three frames at a time."""
    modes = [
        getattr(layer, "mode", "max")  # strides stand for a maximum
        for layer in temporal
        if isinstance(layer, FrameStride)
        or (isinstance(layer, TemporalPooling) and (layer.stride, layer.size) == (2, 3))
    ]
    return {"temporal_pooling": modes[0]} if len(modes) > 1 else {}
