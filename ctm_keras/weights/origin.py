"""The method, backbone and options of a video model, as stored in the model and its file."""

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
PLACED = r"conv(\d)_block(\d+)_(ctm|nonlocal|cstm|cmm)"  # blocks placed by `stages` and `blocks`


@dataclass(frozen=True)
class Origin:
    """The method, backbone and options that a video model was built with.

    Args:
        method: Temporal method.
        backbone: Name of the image model; empty if unknown.
        options: Options that were set, including `temporal_pooling`.
    """

    method: str
    backbone: str
    options: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", _plain(self.options))

    def __str__(self) -> str:
        return repr(vars(self))  # a literal: JSON has neither tuples nor integer keys

    @classmethod
    def of(cls, model: keras.Model) -> "Origin":
        """Returns the origin that a model stores, or infers it from its name and layers."""
        if is_noted(model):
            return cls(**ast.literal_eval(model.layers[-1].built_with))
        ends = [name for name in backbone_names() if model.name.endswith(f"_{name}")]
        backbone = max(ends, key=len, default="")
        method = _method_named(model.name.removesuffix(f"_{backbone}"))
        return cls(method, backbone, _options_of_layers(model, method))

    @property
    def image_model(self) -> str:
        """The backbone; for whole networks without the prefix `tv_`, which changes nothing."""
        name = self.backbone.lower()
        return name.removeprefix("tv_") if self.method in NETWORKS else name

    @property
    def pixels(self) -> Preprocessing:
        """The default preprocessing of the backbone."""
        if self.method in NETWORKS:
            return STANDARDIZED
        return find_family(self.backbone)[0].preprocessing

    @property
    def unknown_options(self) -> list[str]:
        """The options of the method that were not set or are unknown."""
        return [name for name in _names_of_options(self.method) if name not in self.options]


def is_noted(model: keras.Model) -> bool:
    """Returns whether a model stores its origin; older files do not."""
    return bool(model.layers[-1].built_with)


def is_temporal(layer: keras.Layer) -> bool:
    """Returns whether a layer belongs to a temporal method."""
    return type(layer).__module__.startswith(TEMPORAL)


def pixels_of(model: keras.Model) -> Preprocessing:
    """Returns the preprocessing of a model."""
    layer = model.get_layer("preprocess")
    return Preprocessing(layer.channels, layer.mean, layer.scale)


def set_pixels(model: keras.Model, preprocessing: Preprocessing) -> None:
    """Changes the preprocessing of a model, even after it has been called."""
    if preprocessing != pixels_of(model):
        for name, value in vars(preprocessing).items():
            setattr(model.get_layer("preprocess"), name, value)
        model.train_function = model.test_function = model.predict_function = None


def frames_and_options(
    saved: keras.Model | None, method: str, num_frames: int | None, options: dict
) -> tuple[int, dict]:
    """Returns the number of frames and the options: as requested, else those of the saved model.

    Args:
        saved: Model whose weights to load, or None. It is ignored if its method differs.
        method: Temporal method of the new model.
        num_frames: Requested number of frames, or None.
        options: Requested options.
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
    """Returns the configuration of a layer that affects its outputs."""
    config = layer.get_config().items()
    return {key: _plain(value) for key, value in config if key not in UNCOMPARED}


def _plain(value: object) -> object:
    """Converts a value to a Python literal: sequences to tuples, NumPy types to Python's."""
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(map(_plain, value))
    return value


def _method_named(name: str) -> str:
    """Returns the method in a model's name, which has `_` for `+`: `"tsm_ctm"` is `"tsm+ctm"`."""
    parts = re.findall("|".join(sorted(METHODS, key=len, reverse=True)), name)
    return "+".join(parts) if "_".join(parts) == name else name


def _names_of_options(method: str) -> list[str]:
    """Returns the options of a method; none for the unknown method of a renamed model."""
    try:
        return [*options_of(method), "temporal_pooling"]
    except ValueError:
        return []


def _options_of_layers(model: keras.Model, method: str) -> dict:
    """Infers options from the settings and places of temporal layers, if all layers agree."""
    temporal = [layer for layer in model.layers if is_temporal(layer)]
    configs = [settings(layer) for layer in temporal if not isinstance(layer, TemporalPooling)]
    names = _names_of_options(method)
    found = {name: [c[name] for c in configs if name in c] for name in names}
    agreed = {name: v[0] for name, v in found.items() if v and all(x == v[0] for x in v)}
    agreed |= _places(temporal) | _temporal_pooling(temporal)
    return {name: value for name, value in agreed.items() if name in names}


def _places(temporal: list[keras.layers.Layer]) -> dict:
    """Infers `stages` and `blocks` from the names of layers."""
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
    """Infers `temporal_pooling`, the only option that pools three frames in several places."""
    modes = [
        getattr(layer, "mode", "max")  # strides replace max pooling
        for layer in temporal
        if isinstance(layer, FrameStride)
        or (isinstance(layer, TemporalPooling) and (layer.stride, layer.size) == (2, 3))
    ]
    return {"temporal_pooling": modes[0]} if len(modes) > 1 else {}
