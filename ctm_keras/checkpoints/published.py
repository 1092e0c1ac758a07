"""Published weights by name: downloaded, imported and kept as a `.keras` file."""

import contextlib
import hashlib
import random
import sys
from importlib.metadata import version
from pathlib import Path

import keras

from ..weights.fetch import alone, fetch, keras_home
from ..weights.files import read_video_model
from ..weights.origin import Origin
from ..weights.registry import Published, is_published, published_weights
from .importer import import_weights, save_atomically
from .read import require_torch


def open_weights(weights: str | Path) -> keras.Model:
    """Loads a video model from a `.keras` file or by the name of published weights.

    Published weights are downloaded and imported when they are first used, which needs PyTorch.
    Later, only the `.keras` file in the cache is read.

    Raises:
        ValueError: If there is no such file or name, or the weights cannot be had.
    """
    if not is_published(weights):
        return read_video_model(weights)
    published = published_weights()[str(weights)]
    path = cached_file(published)
    if not path.exists():
        _fetch_and_import(published, path)
    return read_video_model(path)


def cached_file(published: Published) -> Path:
    """Returns the `.keras` file of published weights; it exists once they were used.

    Its name depends on all that the import depends on, so a file of an older version of this
    library is not used.
    """
    p = published
    depends = (version("ctm-keras"), p.sha256, p.options, p.num_frames, p.view)
    key = hashlib.sha256(repr(depends).encode()).hexdigest()[:8]
    return keras_home() / "ctm-keras" / f"{p.name}-{key}.keras"


def import_by_hand(published: Published) -> str:
    """Returns the commands for weights without a published digest."""
    options = [f"{name}={value}" for name, value in published.to_import.items()]
    parts = (
        f"ctm import-weights {published.file} --to {published.name}.keras",
        f"--num-frames {published.num_frames}",
        f"--options {' '.join(options)}" if options else "",
    )
    return f"Download {published.address} and run `{' '.join(filter(None, parts))}`."


def _fetch_and_import(published: Published, path: Path) -> None:
    """Writes the `.keras` file of published weights, unless another process does."""
    if not published.sha256:
        raise ValueError(
            f"{published.name} is not downloaded by name, since {published.project} publishes no "
            f"digest to check it with. {import_by_hand(published)}"
        )
    require_torch()
    path.parent.mkdir(parents=True, exist_ok=True)
    lock, what = path.parent / f"{published.name}.lock", f"fetches {published.name}"
    with alone(lock, what), contextlib.redirect_stdout(sys.stderr):
        if not path.exists():
            checkpoint = fetch(published.address, published.sha256, path.parent)
            save_atomically(_imported(published, checkpoint), path)


def _imported(published: Published, checkpoint: Path) -> keras.Model:
    """Imports a checkpoint; raises ValueError unless it is the network that was published."""
    policy, drawn = keras.config.dtype_policy(), random.getstate()
    keras.config.set_dtype_policy("float32")  # the file stores it
    try:
        model = import_weights(
            checkpoint,
            num_frames=published.num_frames,
            allow=published.allow,
            view=published.view,
            **published.to_import,
        )
    finally:
        keras.config.set_dtype_policy(policy)
        random.setstate(drawn)  # of Keras' seeds: a first use is followed by the same as a later
    expected = Origin(published.method, published.backbone, published.options)
    found = Origin.of(model)
    if (found, model.output_shape[-1]) != (expected, published.classes):
        raise ValueError(
            f"{checkpoint} must be {expected} with {published.classes} classes, received {found} "
            f"with {model.output_shape[-1]}. Please report it."
        )
    return model
