"""Assembles a video model from an image model, a method and the weights it starts from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from . import backbones
from .arguments import check_count
from .engine.anatomy import Anatomy, dissect, find_family
from .engine.head import average_scores
from .engine.preprocessing import Preprocess, Preprocessing
from .engine.surgery import operate, tidy_names
from .metadata import view_for
from .methods import NETWORKS, check_method, grafts_of
from .types import Tensor
from .weights.adopt import adopt
from .weights.files import explain_download
from .weights.origin import Origin, frames_and_options, pixels_of
from .weights.report import AdoptionReport


def assemble(
    method: str | None,
    backbone: str | None,
    saved: keras.Model | None = None,
    weights: str | Path | None = None,
    num_classes: int | None = None,
    class_names: Sequence[str] | None = None,
    num_frames: int | None = None,
    image_size: int | None = None,
    dropout: float = 0.5,
    interpolate_tcc: bool = False,
    preprocessing: Preprocessing | dict | None = None,
    view: dict[str, Any] | None = None,
    **options: Any,
) -> keras.Model:
    """Builds a video model whose weights are new, of ImageNet, or those of another model.

    Args:
        method: Temporal method. Defaults to that of `saved`.
        backbone: Image model. Defaults to that of `saved`, or without one to ResNet-50.
        saved: Video model whose weights to load, or None.
        weights: `"imagenet"`, or None, or what `saved` was read from.
        num_classes: As for `build_video_model`.
        class_names: As for `build_video_model`.
        num_frames: As for `build_video_model`.
        image_size: As for `build_video_model`.
        dropout: As for `build_video_model`.
        interpolate_tcc: As for `build_video_model`.
        preprocessing: As for `build_video_model`.
        view: As for `build_video_model`.
        **options: As for `build_video_model`.
    """
    method, backbone = _network(method, backbone, saved)
    check_method(method, options, ("preprocessing", "view"))
    start = "imagenet" if weights == "imagenet" else None
    names, num_classes = _classes(class_names, num_classes, saved)
    num_frames, options = frames_and_options(saved, method, num_frames, options)
    if image_size is None:
        image_size = saved.input_shape[2] if saved else 224
    _check_numbers(num_frames, image_size, dropout)
    view = view_for(view, saved, num_frames)
    origin = Origin(method, str(backbone), options)
    pixels = _pixels(origin.pixels, preprocessing, saved, weights)
    clip = keras.Input((num_frames, image_size, image_size, 3), name="clip", dtype="float32")
    x = Preprocess(**vars(pixels), name="preprocess")(clip)
    features, frames, image = _features(method, backbone, x, start, options)
    notes = {"class_names": names, "built_with": str(origin), "view": view}
    logits = average_scores(features, frames, num_classes, dropout, **notes)
    model = keras.Model(clip, logits, name=f"{method.replace('+', '_')}_{origin.backbone.lower()}")
    if saved is None:
        model._adoption = _first_report(model, image, start)
    else:
        adopt(model, saved, str(weights), interpolate_tcc)
    return model


def _network(
    method: str | None, backbone: str | None, saved: keras.Model | None
) -> tuple[str, str]:
    """Returns the method and the backbone: the requested ones, else those of the saved model."""
    origin = Origin.of(saved) if saved else Origin("", "")
    method = method or origin.method
    if not method:
        raise ValueError(
            "method must be given unless weights is a file or a name of `ctm weights`. Pass one "
            "of `list_models()`."
        )
    return method, str(backbone or origin.backbone or "resnet50")


def _features(method: str, backbone: str, x: Tensor, weights: Any, options: dict[str, Any]) -> Any:
    """Returns the features, their number of frames and the image model, or None without one."""
    options = dict(options)
    pooling = options.pop("temporal_pooling", False)
    if method not in NETWORKS:
        image = image_anatomy(backbone, x.shape[2], weights)
        return *operate(image, x, grafts_of(method, image, pooling, options)), image
    if weights is not None:
        raise ValueError(
            f"weights must be None or a .keras file for {method}, received {weights!r}. Its "
            "pathways differ in width from an image model. Use weights=None (--weights none)."
        )
    return *NETWORKS[method](x, backbone, temporal_pooling=pooling, **options), None


def _pixels(default: Any, requested: Any, saved: keras.Model | None, weights: Any) -> Preprocessing:
    """Returns the preprocessing: that of the weights, else the requested one, else the default.

    Raises:
        ValueError: If the weights were trained with a preprocessing other than the requested one.
    """
    requested = None if requested is None else Preprocessing.of(requested)
    if weights is None:
        return requested or default
    trained = default if saved is None else pixels_of(saved)
    if requested not in (None, trained):
        raise ValueError(
            f"preprocessing must be {trained}, with which the weights {weights} were trained, "
            f"received {requested}. Omit it."
        )
    return trained


def image_anatomy(backbone: str, image_size: int, weights: str | None) -> Anatomy:
    """Builds an image model and finds its sites."""
    _, member = find_family(backbone)
    builder = getattr(backbones, member, None) or getattr(keras.applications, member)
    shape = (image_size, image_size, 3)
    try:
        model = builder(weights=weights, include_top=False, input_shape=shape)
    except Exception as error:
        explained = weights and explain_download(error, member)
        if explained:
            raise explained from error
        raise
    return dissect(backbone, tidy_names(model))


def _first_report(
    model: keras.Model, anatomy: Anatomy | None, weights: str | None
) -> AdoptionReport:
    """Returns the report of a model with ImageNet weights or with new ones."""
    video = [layer.name for layer in model.layers if layer.weights]
    if weights is None:
        return AdoptionReport(None, new=tuple(video))
    fresh = {layer.name for layer in model.layers if getattr(layer, "newly_initialized", False)}
    image = {op.name for op in anatomy.model.layers if op.weights} if anatomy else set()
    return AdoptionReport(
        "imagenet",
        adopted=tuple(name for name in video if name in image - fresh),
        new=tuple(name for name in video if name not in image - fresh),
        unused=tuple(sorted(image - set(video))),
    )


def _classes(
    names: Sequence[str] | None, count: int | None, saved: keras.Model | None
) -> tuple[list[str] | None, int]:
    if saved is not None and names is None and count is None:
        names, count = saved.layers[-1].class_names, saved.output_shape[-1]
    names = None if names is None else [str(name) for name in names]
    if names is not None and len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"Class names must be unique, received several times: {', '.join(twice)}.")
    if names is not None and count not in (None, len(names)):
        raise ValueError(
            f"num_classes must be the number of class_names, {len(names)}, received {count}."
        )
    count = count if names is None else len(names)
    if not isinstance(count, int) or count < 2:
        raise ValueError(
            f"num_classes must be an integer of at least 2, received {count!r}. Pass num_classes "
            "or class_names."
        )
    return names, count


def _check_numbers(num_frames: Any, image_size: Any, dropout: float) -> None:
    check_count("num_frames", num_frames)
    check_count("image_size", image_size)
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be in [0, 1), received {dropout!r}.")
    if keras.config.image_data_format() != "channels_last":
        raise ValueError(
            "Keras' image data format must be channels_last, received channels_first. Call "
            "keras.config.set_image_data_format('channels_last')."
        )
