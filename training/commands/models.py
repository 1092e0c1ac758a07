"""`ctm models` and `ctm import-weights`."""

from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import ctm_keras
import tfrecords
from tfrecords.storage import as_path, full_disk_in_words, is_remote
from training.config.options import parse_option
from training.config.tools import ImportConfig, ModelsConfig
from training.costs.table import cost_table


def models(config: ModelsConfig) -> Iterator[str]:
    """The methods with one line each, or the table of their costs."""
    if config.table:
        yield from cost_table(config.backbone, config.frames, config.image_size, config.classes)
        return
    for name, line in ctm_keras.list_models().items():
        yield f"{name:10} {line}"


def import_weights(config: ImportConfig) -> Path:
    """Converts a PyTorch checkpoint to a .keras file."""
    options = _options(config.options)
    with full_disk_in_words(config.to.parent, "import again"):
        ctm_keras.import_weights(
            config.file,
            config.to,
            config.model,
            config.num_classes,
            class_names=_read_class_names(config.classes) if config.classes else None,
            num_frames=config.num_frames,
            image_size=config.image_size,
            allow=config.allow,
            **options,
        )
    return config.to


def _read_class_names(name: str | Path) -> list[str]:
    """The class names of a data set's folder, or of a text file with one name per line."""
    path = as_path(name)
    if is_remote(path) or path.is_dir():
        return list(tfrecords.read_manifest(path).class_names)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (UnicodeDecodeError, FileNotFoundError):
        raise ValueError(
            f"--classes must be a text file with one class name per line or the folder of a data "
            f"set, received {path}."
        ) from None
    return [line.strip() for line in lines if line.strip()]


def _options(options: tuple[str, ...]) -> dict[str, Any]:
    """`--options` as keyword arguments; options of the command itself are errors."""
    given = dict(map(parse_option, options))
    own = set(signature(ctm_keras.import_weights).parameters) - {"channels"}
    if wrong := sorted(own & set(given)):
        raise ValueError(
            f"--options must be temporal_pooling, channels or options of the method, received "
            f"{wrong[0]!r}. See `ctm import-weights --help` for the options of the command."
        )
    return given
