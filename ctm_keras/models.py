"""Video models by name."""

from collections.abc import Sequence
from pathlib import Path

import keras

from . import backbones
from .anatomy import Anatomy, dissect, find_family
from .arguments import check_count
from .families import STANDARDIZED
from .head import AverageScores, average_scores
from .methods import NETWORKS, check_method, check_switch, default_frames, grafts_of
from .preprocessing import Preprocess
from .surgery import operate, tidy_names
from .weights import AdoptionReport, explain_download, load_weights


def class_names(model: keras.Model) -> list[str] | None:
    """The names of a video model's classes, in the order of its logits.

    Args:
        model: a video model, built or loaded.

    Returns:
        The names, or None if the model was built without.
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
    image_size: int = 224,
    weights: str | Path | None = "imagenet",
    dropout: float = 0.5,
    class_names: Sequence[str] | None = None,
    interpolate_tcc: bool = False,
    temporal_pooling: bool = False,
    **options,
) -> keras.Model:
    """Builds a video model: an image model that reads frames, with temporal layers grafted in.

    Args:
        method: the temporal method, one of `list_models()`; or several that stand together, joined
            by `+`: `"tsm+nonlocal"`.
        backbone: the image model: a name of `keras.applications` in lower case, `"tiny"`, or
            torchvision's layouts, `"tv_resnet18"` to `"tv_resnet152"` and `"inception_v1"`.
        num_classes: number of classes; not needed with `class_names`.
        num_frames: frames of a clip (default: 8; for SlowFast 32, or 64 for 16x8).
        image_size: height and width of a frame in pixels.
        weights: `"imagenet"`, None, or a `.keras` file of this project.
        dropout: part of the pooled features that training sets to zero.
        class_names: names of the classes; they are kept in the model.
        interpolate_tcc: whether TCC kernels in the file `weights` are interpolated where they
            belong to another image size.
        temporal_pooling: whether the frames are halved at three places, after stages 2, 3 and 4
            (the analysis paper's networks with temporal pooling).
        **options: of the method, as its recipe documents them (`ctm_keras.temporal`).

    Input shape:
        `clip`, `(batch, num_frames, image_size, image_size, 3)`: RGB, 0..255.

    Output shape:
        `logits`, `(batch, num_classes)`, float32.

    Raises:
        ValueError: if a name is unknown, an argument is out of range or weights do not fit.

    Example:
        >>> model = build_video_model("ctm", "tiny", num_classes=4, image_size=64, weights=None)
        >>> model.predict(np.zeros((1, 8, 64, 64, 3), "uint8")).shape
        (1, 4)
    """
    names, num_classes = _classes(class_names, num_classes)
    check_method(method, options)
    check_switch("temporal_pooling", temporal_pooling)
    num_frames = default_frames(method, options) if num_frames is None else num_frames
    _check_numbers(num_frames, image_size, dropout)
    clip = keras.Input((num_frames, image_size, image_size, 3), name="clip", dtype="float32")
    start = "imagenet" if weights == "imagenet" else None
    if method in NETWORKS:
        features, frames, image = _built(method, backbone, clip, start, temporal_pooling, options)
    else:
        image = image_anatomy(backbone, image_size, start)
        x = Preprocess(**vars(image.family.preprocessing), name="preprocess")(clip)
        features, frames = operate(image, x, grafts_of(method, image, temporal_pooling, options))
    logits = average_scores(features, frames, num_classes, dropout, names)
    model = keras.Model(clip, logits, name=f"{method.replace('+', '_')}_{str(backbone).lower()}")
    if weights in ("imagenet", None):
        model._adoption = _first_report(model, image, start)
    else:
        load_weights(model, weights, interpolate_tcc)
    return model


def CTMResNet50(num_classes: int | None = None, **kwargs) -> keras.Model:  # noqa: N802
    """CTM on ResNet-50, as in the paper: three blocks in Res4. See `build_video_model`.

    Args:
        num_classes: number of classes; not needed with `class_names`.
        **kwargs: the other arguments of `build_video_model`.
    """
    return build_video_model("ctm", "resnet50", num_classes, **kwargs)


def CTMResNet101(num_classes: int | None = None, **kwargs) -> keras.Model:  # noqa: N802
    """CTM on ResNet-101, as in the paper: three blocks in Res4. See `build_video_model`.

    Args:
        num_classes: number of classes; not needed with `class_names`.
        **kwargs: the other arguments of `build_video_model`.
    """
    return build_video_model("ctm", "resnet101", num_classes, **kwargs)


def _built(method, backbone, clip, weights, temporal_pooling, options):
    """Features of a network that is built whole, and their number of frames; no image model."""
    if weights is not None:
        raise ValueError(
            f"{method} has no ImageNet weights: its pathways have other widths than an image "
            "model. Pass weights=None (--weights none) or a .keras file."
        )
    x = Preprocess(**vars(STANDARDIZED), name="preprocess")(clip)
    features = NETWORKS[method](x, backbone, temporal_pooling=temporal_pooling, **options)
    return *features, None


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


def _first_report(model, anatomy: Anatomy | None, weights: str | None) -> AdoptionReport:
    """The report of a model that came from an image model, or from none."""
    video = [layer.name for layer in model.layers if layer.weights]
    if weights is None:
        return AdoptionReport(None, new=tuple(video))
    fresh = {layer.name for layer in model.layers if getattr(layer, "starts_afresh", False)}
    image = {op.name for op in anatomy.model.layers if op.weights}
    return AdoptionReport(
        "imagenet",
        adopted=tuple(name for name in video if name in image - fresh),
        new=tuple(name for name in video if name not in image - fresh),
        unused=tuple(sorted(image - set(video))),
    )


def _classes(names, count) -> tuple[list[str] | None, int]:
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


def _check_numbers(num_frames, image_size, dropout):
    check_count("num_frames", num_frames)
    check_count("image_size", image_size)
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is a part, from 0 to below 1; received {dropout!r}.")
    if keras.config.image_data_format() != "channels_last":
        raise ValueError(
            "Video models have their channels last, but Keras is set to channels_first: "
            "call keras.config.set_image_data_format('channels_last')."
        )
