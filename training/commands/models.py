"""Models: what there is, and weights from elsewhere."""

from inspect import signature
from pathlib import Path
from typing import Any

import tyro

import tfrecords
from tfrecords.storage.files import as_path, is_remote


def quickstart(out: Path = Path("quickstart")) -> None:
    """Make a small set of videos, train TSN and CTM on it, compare, export. Takes minutes.

    For example:
      ctm quickstart

    Args:
        out: Folder for everything it makes, new or empty.
    """
    from training.quickstart.run import quickstart

    quickstart(out)


def import_weights(
    file: tyro.conf.Positional[Path],
    to: Path,
    model: str | None = None,
    classes: str | None = None,
    num_classes: int | None = None,
    num_frames: int | None = None,
    image_size: int = 224,
    options: tuple[str, ...] = (),
    allow: tuple[str, ...] = (),
) -> None:
    """Turn a PyTorch checkpoint into a .keras file, its network recognised by its keys.

    Formats: torchvision's image models (they become a TSN), IBM/action-recognition-pytorch,
    temporal-shift-module, mmaction2, PySlowFast, CoST, STM. Nothing in the file is run. For
    example:
      ctm import-weights resnet50.pth --to resnet50.keras --num-classes 87
      ctm import-weights googlenet.pth --to inception.keras --allow "aux*"
      ctm import-weights TAM.pth.tar --to tam.keras --options temporal_pooling=True
      ctm import-weights resnet50.pth --to i3d.keras --model i3d --classes classes.txt

    Args:
        file: What torch.save wrote.
        to: New .keras file.
        model: Another method to start from a TSN's or image model's weights.
        classes: Text file with a class name in each line, or folder of a data set; another
            number than the checkpoint's starts a new head.
        num_classes: Number of classes, without their names (default: the checkpoint's).
        num_frames: Frames of a clip, which no key tells (default: 8; SlowFast 32, 16x8 64).
        image_size: Side of a frame in pixels.
        options: What the keys do not tell, as name=value: temporal_pooling=True or =avg,
            channels=bgr, options of the method.
        allow: Keys of the file that may be left over, as patterns: "aux*".
    """
    import ctm_keras
    from tfrecords.storage.disk_space import full_disk_in_words

    untold = options_of_checkpoint(options)
    with full_disk_in_words(to.parent, "import again"):
        ctm_keras.import_weights(
            file,
            to,
            model,
            num_classes,
            class_names=classes and read_class_names(classes),
            num_frames=num_frames,
            image_size=image_size,
            allow=allow,
            **untold,
        )
    print(f"Written: {to}")


def options_of_checkpoint(options: tuple[str, ...]) -> dict[str, Any]:
    """`--options` as keyword arguments, if they are none that `import-weights` has by itself."""
    import ctm_keras
    from training.config.train import parse_option

    given = dict(map(parse_option, options))
    own = set(signature(ctm_keras.import_weights).parameters) - {"channels"}
    if wrong := sorted(own & set(given)):
        raise ValueError(
            f"--options takes temporal_pooling, channels and options of the method, received "
            f"{wrong[0]!r}: see `ctm import-weights --help` for the options of the command."
        )
    return given


def models(
    table: bool = False,
    backbone: str = "resnet50",
    frames: int = 8,
    image_size: int = 224,
    classes: int = 400,
) -> None:
    """List the methods that `ctm train --model` takes, or what each of them costs.

    For example:
      ctm models
      ctm models --table --backbone resnet50 --frames 8

    Args:
        table: Print parameters, multiply-adds of a clip and clips scored in a second, measured.
        backbone: Image model that reads the frames.
        frames: Frames of a clip; SlowFast has its own.
        image_size: Side of the square crop, in pixels.
        classes: Classes of the model.
    """
    if table:
        from training.costs.table import cost_table

        for line in cost_table(backbone, frames, image_size, classes):
            print(line, flush=True)
        return
    import ctm_keras

    for name, line in ctm_keras.list_models().items():
        print(f"{name:10} {line}")


def read_class_names(name: str | Path) -> list[str]:
    """The class names of a data set's folder, or of a text file with one in each line."""
    path = as_path(name)
    if is_remote(path) or path.is_dir():
        return list(tfrecords.read_manifest(path).class_names)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (UnicodeDecodeError, FileNotFoundError):
        raise ValueError(f"{path} is no text file with a class name in each line.") from None
    return [line.strip() for line in lines if line.strip()]
