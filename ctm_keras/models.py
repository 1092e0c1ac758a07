"""Video models by name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from .assembly import assemble
from .checkpoints.published import open_weights
from .engine.preprocessing import Preprocessing


def build_video_model(
    method: str | None = None,
    backbone: str | None = None,
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
            `"tsm+nonlocal"`. Required unless `weights` is a file or the name of published weights.
        backbone: The image model: a name from `keras.applications` in lower case, `"tiny"`, or a
            torchvision layout, `"tv_resnet18"` to `"tv_resnet152"` and `"inception_v1"`. Defaults
            to that of `weights`, or to `"resnet50"`.
        num_classes: Number of classes. Not needed with `class_names`.
        num_frames: Number of frames in a clip. Defaults to 8, for SlowFast to 32 or, with variant
            16x8, 64.
        image_size: Height and width of a frame in pixels. Defaults to 224.
        weights: `"imagenet"`, None, a `.keras` file of this project, or the name of published
            weights, such as `"tsm-r50-kinetics400"`: `ctm weights` lists them, and they are
            downloaded and imported when they are first used. A file or a name also sets the
            defaults of the method, the backbone, `num_classes`, `class_names`, `image_size` and
            `preprocessing` and, if it is of the same method, of `num_frames`, `temporal_pooling`
            and the options.
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
            that of `weights`, if the number of frames is the same.
        **options: Options of the method; see its recipe in `ctm_keras.temporal`.

    Input shape:
        `clip`, `(batch, num_frames, image_size, image_size, 3)`: RGB, 0..255.

    Output shape:
        `logits`, `(batch, num_classes)`, float32.

    Raises:
        ValueError: If a name is unknown, an argument is out of range, the weights do not fit the
            requested network, or they cannot be downloaded.

    Example:
        >>> model = build_video_model("ctm", "tiny", num_classes=4, image_size=64, weights=None)
        >>> model(np.zeros((1, 8, 64, 64, 3), "uint8")).shape
        (1, 4)
    """
    if temporal_pooling is not None:
        options = {**options, "temporal_pooling": temporal_pooling}
    saved = None if weights in (None, "imagenet") else open_weights(weights)
    return assemble(
        method,
        backbone,
        saved,
        weights,
        num_classes,
        class_names,
        num_frames,
        image_size,
        dropout,
        interpolate_tcc,
        preprocessing,
        view,
        **options,
    )


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
