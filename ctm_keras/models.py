"""Video models by name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from . import backbones
from .arguments import check_count
from .engine.anatomy import Anatomy, dissect, find_family
from .engine.head import AverageScores, average_scores
from .engine.preprocessing import Preprocess, Preprocessing
from .engine.surgery import operate, tidy_names
from .methods import NETWORKS, check_method, grafts_of
from .types import Tensor
from .weights.adopt import adopt
from .weights.files import explain_download, read_video_model
from .weights.origin import Origin, frames_and_options, pixels_of
from .weights.report import AdoptionReport


def class_names(model: keras.Model) -> list[str] | None:
    """The names of a video model's classes, in the order of its logits.

    Args:
        model: A video model, built or loaded.

    Returns:
        The names, or None if the model was built without.

    Raises:
        ValueError: If the model is none of this project.

    Example:
        >>> names = ["left", "right"]
        >>> model = build_video_model("tsn", "tiny", class_names=names, image_size=64, weights=None)
        >>> class_names(model)
        ['left', 'right']
    """
    head = model.layers[-1]
    if not isinstance(head, AverageScores):
        raise ValueError(f"The model {model.name!r} is not a video model of this project.")
    return None if head.class_names is None else list(head.class_names)


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
    **options: Any,
) -> keras.Model:
    """Builds a video model: an image model that reads frames, with temporal layers grafted in.

    Args:
        method: The temporal method, one of `list_models()`; or several that stand together, joined
            by `+`: `"tsm+nonlocal"`.
        backbone: The image model: a name of `keras.applications` in lower case, `"tiny"`, or
            torchvision's layouts, `"tv_resnet18"` to `"tv_resnet152"` and `"inception_v1"`.
        num_classes: Number of classes; not needed with `class_names`.
        num_frames: Frames of a clip (default: 8; for SlowFast 32, or 64 for 16x8).
        image_size: Height and width of a frame in pixels (default: 224).
        weights: `"imagenet"`, None, or a `.keras` file of this project. What a file says of
            its network is taken wherever nothing is given: classes, image size and pixels, and
            from a network of the same method its frames, pooling and options, too.
        dropout: Part of the pooled features that training sets to zero.
        class_names: Names of the classes; they are kept in the model.
        interpolate_tcc: Whether TCC kernels in the file `weights` are interpolated where they
            belong to another image size.
        temporal_pooling: Whether the frames are halved at three places, after stages 2, 3 and 4
            (the analysis paper's networks with temporal pooling): True or `"max"` by a maximum,
            `"avg"` by a mean, or False (default: False).
        preprocessing: `channels` ("rgb" or "bgr"), `mean` and `scale` of the pixels, where the
            weights were trained with others than the backbone's.
        **options: Options of the method, as its recipe documents them (`ctm_keras.temporal`).

    Input shape:
        `clip`, `(batch, num_frames, image_size, image_size, 3)`: RGB, 0..255.

    Output shape:
        `logits`, `(batch, num_classes)`, float32.

    Raises:
        ValueError: If a name is unknown, an argument is out of range, weights do not fit, or the
            file's network is another than what was asked for.

    Example:
        >>> model = build_video_model("ctm", "tiny", num_classes=4, image_size=64, weights=None)
        >>> model(np.zeros((1, 8, 64, 64, 3), "uint8")).shape
        (1, 4)
    """
    if temporal_pooling is not None:
        options = {**options, "temporal_pooling": temporal_pooling}
    check_method(method, options, ("preprocessing",))
    start = "imagenet" if weights == "imagenet" else None
    saved = None if weights is None or start else read_video_model(weights)
    names, num_classes = _classes(class_names, num_classes, saved)
    num_frames, options = frames_and_options(saved, method, num_frames, options)
    if image_size is None:
        image_size = saved.input_shape[2] if saved else 224
    _check_numbers(num_frames, image_size, dropout)
    origin = Origin(method, str(backbone), options)
    pixels = _pixels(origin.pixels, preprocessing, saved, weights)
    clip = keras.Input((num_frames, image_size, image_size, 3), name="clip", dtype="float32")
    x = Preprocess(**vars(pixels), name="preprocess")(clip)
    features, frames, image = _features(method, backbone, x, start, options)
    notes = {"class_names": names, "built_with": str(origin)}
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
        num_classes: Number of classes; not needed with `class_names`.
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
        num_classes: Number of classes; not needed with `class_names`.
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
    """Features of the network, their number of frames, and the image model, if there is one."""
    options = dict(options)
    pooling = options.pop("temporal_pooling", False)
    if method not in NETWORKS:
        image = image_anatomy(backbone, x.shape[2], weights)
        return *operate(image, x, grafts_of(method, image, pooling, options)), image
    if weights is not None:
        raise ValueError(
            f"{method} has no ImageNet weights: its pathways have other widths than an image "
            "model. Pass weights=None (--weights none) or a .keras file."
        )
    return *NETWORKS[method](x, backbone, temporal_pooling=pooling, **options), None


def _pixels(own: Any, asked: Any, saved: keras.Model | None, weights: Any) -> Preprocessing:
    """What is made of the pixels: as the weights want it, else as asked for, else the backbone's.

    Raises:
        ValueError: If what is asked for is not what the weights were trained with.
    """
    asked = None if asked is None else Preprocessing.of(asked)
    if weights is None:
        return asked or own
    wanted = own if saved is None else pixels_of(saved)
    if asked not in (None, wanted):
        raise ValueError(
            f"The weights {weights} were trained with the preprocessing {wanted}, received "
            f"{asked}: leave it out."
        )
    return wanted


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
    """The report of a model that came from an image model, or from none."""
    video = [layer.name for layer in model.layers if layer.weights]
    if weights is None:
        return AdoptionReport(None, new=tuple(video))
    fresh = {layer.name for layer in model.layers if getattr(layer, "starts_afresh", False)}
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
        raise ValueError(f"Class names must differ; more than once: {', '.join(twice)}.")
    if names is not None and count not in (None, len(names)):
        raise ValueError(f"num_classes is {count}, but class_names holds {len(names)} names.")
    count = count if names is None else len(names)
    if not isinstance(count, int) or count < 2:
        raise ValueError(
            f"A classifier needs two classes or more: pass num_classes or class_names; "
            f"received num_classes={count!r}."
        )
    return names, count


def _check_numbers(num_frames: Any, image_size: Any, dropout: float) -> None:
    check_count("num_frames", num_frames)
    check_count("image_size", image_size)
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is a part, from 0 to below 1; received {dropout!r}.")
    if keras.config.image_data_format() != "channels_last":
        raise ValueError(
            "Video models have their channels last, but Keras is set to channels_first: "
            "call keras.config.set_image_data_format('channels_last')."
        )
