"""`ctm train`: builds the data set of a folder of videos, and chooses the recipe."""

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

import tfrecords
from ctm_keras.checkpoints import open_weights
from ctm_keras.methods import options_of
from ctm_keras.weights import Origin, is_published
from tfrecords.format import FILE
from tfrecords.reading import num_videos
from tfrecords.storage import as_path, is_file
from training.commands.parse import parse
from training.config.options import parse_option
from training.config.train import TrainConfig
from training.machines.devices import require_tensorflow
from training.machines.workers import count_workers
from training.open_model import is_run
from training.recipes import small
from training.run_folder import Run

FEW = 2000  # training videos; below this number, the recipe is `small`
PAPERS = "ctm_mini_kinetics"  # the defaults of TrainConfig
UNSET: dict[str, Any] = {"backbone": "", "epochs": 0, "batch_size": 0}


def parse_train(
    takes: Callable[..., Any], arguments: list[str], requested: bool = False
) -> TrainConfig:
    """The options of `ctm train`; the recipe has the values of those that are not given.

    If the command line names videos, their data set is built, since the recipe depends on their
    number.

    Args:
        takes: The options.
        arguments: The command line after `train`, without `--recipe`.
        requested: Whether `--recipe small` was given.

    Raises:
        SystemExit: After printing the help, or if an option is invalid.
        ValueError: If the videos cannot be built.
    """
    require_tensorflow()
    read = functools.partial(parse, takes, arguments, "ctm train", None)
    plain: TrainConfig = read(TrainConfig())
    if plain.resume:
        return plain
    plain = with_data(plain)
    given = with_data(read(dataclasses.replace(TrainConfig(), **UNSET)), plain)
    choice = choose(given, requested)
    print(choice)
    if choice.recipe is None:
        return plain
    chosen = with_data(read(choice.recipe), plain)
    return completed(chosen, given)


def with_data(config: TrainConfig, done: TrainConfig | None = None) -> TrainConfig:
    """A config whose videos are a data set: that in the folder, or one built beside the run.

    Args:
        config: The options.
        done: The same options with the data set, if it is built already.
    """
    if config.videos is None:
        return config
    if done is not None:
        return dataclasses.replace(config, videos=None, data=done.data, out=done.out)
    if config.data is not None:
        raise ValueError(
            f"Give either VIDEOS or --data, received {config.videos} and --data {config.data}."
        )
    source = as_path(config.videos)
    if is_file(source / FILE):
        return dataclasses.replace(config, videos=None, data=str(source))
    out = config.out or Path("runs") / source.stem
    data = out.with_name(f"{out.name}-data")
    print(f"Data set: {data}, built from {source}.")
    tfrecords.build(config.videos, data)
    return dataclasses.replace(config, videos=None, data=data, out=out)


@dataclass(frozen=True)
class Choice:
    """The recipe that was chosen; `str` says which, why, and how to have the other.

    Args:
        recipe: Its values, or None for the defaults, which are the CTM paper's.
        why: The reason, as the end of a sentence.
    """

    recipe: TrainConfig | None
    why: str

    def __str__(self) -> str:
        if self.recipe is None:
            return f"Recipe: the CTM paper's, {self.why}. For few videos: --recipe small."
        return (
            f"Recipe: small, {self.why}. It trains a temporal block on the features of a frozen "
            f"{self.recipe.backbone}. For the CTM paper's: --recipe {PAPERS}."
        )


def choose(given: TrainConfig, requested: bool) -> Choice:
    """Chooses the recipe: that of the run in the folder, else by the data and the options.

    Args:
        given: The options on the data set; those that are not given are unset.
        requested: Whether the recipe `small` was requested.
    """
    given.dataset  # noqa: B018  (it raises)
    first = given.folder / "fold-0" if given.folds else given.folder
    if is_run(first):
        stored = Run.open(first).config
        kept = {name: getattr(stored, name) for name in (*UNSET, "image_size", "recipe")}
        recipe = dataclasses.replace(small.CONFIG, **kept) if stored.recipe == "small" else None
        return Choice(recipe, f"as the run in {given.folder}")
    videos = training_videos(given)
    backbone = _backbone_of(given)
    reason = against_small(given, backbone)
    if not requested and (reason or videos >= FEW):
        return Choice(None, reason or f"for {videos:,} training videos")
    gpu = _has_gpu() and not given.devices.startswith("cpu")
    recipe = small.for_machine(gpu)
    size = given.batch_size or min(recipe.batch_size, videos)
    recipe = dataclasses.replace(
        recipe,
        recipe="small",
        backbone=backbone or recipe.backbone,
        batch_size=size,
        epochs=small.epochs(videos, size),
    )
    why = "as requested" if requested else f"for {videos:,} training videos, fewer than {FEW:,}"
    return Choice(recipe, why)


def completed(chosen: TrainConfig, given: TrainConfig) -> TrainConfig:
    """The chosen options, where options of the method add to those of the recipe.

    Augmentations that need new clips in each step switch off the recipe's cache.
    """
    augmentation = chosen.augmentation
    if (augmentation.mixes or augmentation.repeats > 1) and not given.cached_clips:
        chosen = dataclasses.replace(chosen, cached_clips=0)
    names = {parse_option(option)[0] for option in given.options}
    possible = {} if "stages" in names else options_of(chosen.model)
    own = [o for o in small.CONFIG.options if parse_option(o)[0] in possible.keys() - names]
    return dataclasses.replace(chosen, options=(*own, *given.options))


def training_videos(config: TrainConfig) -> int:
    """The number of training videos, of a fold if there are folds."""
    manifest = tfrecords.read_manifest(config.dataset)
    videos = num_videos(config.dataset, config.train_split)
    if config.folds:
        in_folds = config.val_split in manifest.splits
        videos += manifest.num_videos(config.val_split) if in_folds else 0
        videos -= -(-videos // config.folds)
    return videos


def against_small(given: TrainConfig, backbone: str | None) -> str | None:
    """Why the options, or the backbone of their weights, do not suit `small`; or None."""
    if given.backbone:
        return "since --backbone is given"
    if given.workers or count_workers() > 1:
        return "since it trains on several machines"
    if given.weights == "none":
        return "since --weights none leaves nothing to freeze"
    if given.model != "tsn" and "stages" not in options_of(given.model):
        return f"since {given.model} has no layer for the features of a frozen model"
    if backbone == "":
        return "since --weights is not a TSN, whose layers could be frozen"
    return None


def _backbone_of(given: TrainConfig) -> str | None:
    """The backbone that was given, or that of the TSN in `--weights`; "" for another network."""
    named = is_published(given.weights)
    if given.backbone or not (named or Path(given.weights).is_file()):
        return given.backbone or None
    origin = Origin.of(open_weights(given.weights))
    return origin.backbone if origin.method == "tsn" else ""


def _has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))
