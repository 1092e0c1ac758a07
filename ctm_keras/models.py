"""Video models by name."""

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
from .weights.files import explain_download, read_video_model
from .weights.origin import Origin, frames_and_options, pixels_of
from .weights.report import AdoptionReport


def build_video_model(
    method: str,
    backbone: str = "resnet50",
    num_classes: int | None = None,
    num_frames: int | None = None,
    image_size: int | None = None,
    weights: str | Path | None = "imagenet",
    dropout: float = 0.5,
    class_names: Sequence[str] | None = None,
    interpolate_tcc: bool = False,
    temporal_pooling: bool | str | None = None,
    preprocessing: Preprocessing | dict | None = None,
    view: dict[str, Any] | None = None,
    **options: Any,
) -> keras.Model:
    """Builds a video model: an image model applied to each frame, with temporal layers grafted in.

    Args:
        method: The temporal method, one of `list_models()`, or several joined by `+`, such as
            `"tsm+nonlocal"`.
        backbone: The image model: a name from `keras.applications` in lower case, `"tiny"`, or a
            torchvision layout, `"tv_resnet18"` to `"tv_resnet152"` and `"inception_v1"`.
        num_classes: Number of classes. Not needed with `class_names`.
        num_frames: Number of frames in a clip. Defaults to 8, for SlowFast to 32 or, with variant
            16x8, 64.
        image_size: Height and width of a frame in pixels. Defaults to 224.
        weights: `"imagenet"`, None, or a `.keras` file of this project. The file also sets the
            defaults of `num_classes`, `class_names`, `image_size` and `preprocessing` and, if it
            is of the same method, of `num_frames`, `temporal_pooling` and the options.
        dropout: Dropout rate of the pooled features.
        class_names: Names of the classes. The model stores them.
        interpolate_tcc: Whether to interpolate the TCC kernels in the file `weights` if its image
            size differs.
        temporal_pooling: Whether to halve the frames after stages 2, 3 and 4, as in the analysis
            paper's networks with temporal pooling: True or `"max"` for max pooling, `"avg"` for
            average pooling, or False. Defaults to False.
        preprocessing: `channels` ("rgb" or "bgr"), `mean` and `scale` of the pixels, if the weights
            were trained with a preprocessing other than the backbone's.
        view: How clips are made from videos; see `view_options`. The model stores it. Defaults to
            that of the file `weights`, if the number of frames is the same.
        **options: Options of the method; see its recipe in `ctm_keras.temporal`.

    Input shape:
        `clip`, `(batch, num_frames, image_size, image_size, 3)`: RGB, 0..255.

    Output shape:
        `logits`, `(batch, num_classes)`, float32.

    Raises:
        ValueError: If a name is unknown, an argument is out of range, or the weights do not fit the
            requested network.

    Example:
        >>> model = build_video_model("ctm", "tiny", num_classes=4, image_size=64, weights=None)
        >>> model(np.zeros((1, 8, 64, 64, 3), "uint8")).shape
        (1, 4)
    """
    if temporal_pooling is not None:
        options = {**options, "temporal_pooling": temporal_pooling}
    check_method(method, options, ("preprocessing", "view"))
    start = "imagenet" if weights == "imagenet" else None
    saved = None if weights is None or start else read_video_model(weights)
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


def CTMResNet50(num_classes: int | None = None, **kwargs: Any) -> keras.Model:  # noqa: N802
    """CTM on ResNet-50, as in the paper: three blocks in Res4. See `build_video_model`.

    Args:
        num_classes: Number of classes. Not needed with `class_names`.
        **kwargs: The other arguments of `build_video_model`.

    Input shape:
        `clip`, `(batch, num_frames, image_size, image_size, 3)`: RGB, 0..255.

    Output shape:
        `logits`, `(batch, num_classes)`, float32.

    Example:
        >>> model = CTMResNet50(200, image_size=64, weights=None)
        >>> model.output_shape
        (None, 200)

    Reference:
        CTM, Section 3.2 and Table 3.
    """
    return build_video_model("ctm", "resnet50", num_classes, **kwargs)


def CTMResNet101(num_classes: int | None = None, **kwargs: Any) -> keras.Model:  # noqa: N802
    """CTM on ResNet-101, as in the paper: three blocks in Res4. See `build_video_model`.

    Args:
        num_classes: Number of classes. Not needed with `class_names`.
        **kwargs: The other arguments of `build_video_model`.

    Input shape:
        `clip`, `(batch, num_frames, image_size, image_size, 3)`: RGB, 0..255.

    Output shape:
        `logits`, `(batch, num_classes)`, float32.

    Example:
        >>> model = CTMResNet101(200, image_size=64, weights=None)
        >>> model.output_shape
        (None, 200)

    Reference:
        CTM, Section 3.2 and Table 4.
    """
    return build_video_model("ctm", "resnet101", num_classes, **kwargs)


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
