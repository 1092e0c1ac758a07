"""`ctm train`: builds the data set of a folder of videos, and chooses the recipe."""

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

import ctm_keras
import tfrecords
from ctm_keras.methods import check_method, options_of
from ctm_keras.weights import Origin
from tfrecords.format import FILE
from tfrecords.reading import num_videos
from tfrecords.storage import as_path, is_file
from tfrecords.writing import TooManyFailures
from training.commands.parse import parse
from training.config.options import parse_option
from training.config.train import TrainConfig
from training.fit.resolve import check_weights, saved_model, weights_of
from training.machines.devices import require_tensorflow
from training.machines.workers import several_machines
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
        ValueError: If a value is invalid, or the videos cannot be built.
    """
    require_tensorflow()
    read = functools.partial(parse, takes, arguments, "ctm train", None)
    plain: TrainConfig = read(TrainConfig())
    check_values(plain, read(small.CONFIG) if requested else plain)
    if plain.resume:
        return plain
    # Several machines read no weights yet: TensorFlow could no longer connect them.
    saved = None if several_machines(plain.workers) else saved_model(plain)
    origin = Origin.of(saved) if saved else None
    start = of_weights(saved, origin)
    if read(start).model != start.model:  # only the image model of the weights is used
        start = TrainConfig()
    plain = with_data(read(start))
    given = with_data(read(dataclasses.replace(start, **UNSET)), plain)
    choice = choose(given, requested, origin)
    print(choice)
    if choice.recipe is None:
        return plain
    chosen = with_data(read(choice.recipe), plain)
    return completed(chosen, given, origin)


def of_weights(saved: keras.Model | None, origin: Origin | None) -> TrainConfig:
    """The defaults, with the network and the clips of a video model other than a TSN."""
    if saved is None or origin is None or origin.method == "tsn":
        return TrainConfig()
    view = ctm_keras.view_options(saved) or {}
    values: dict[str, Any] = {n: view[n] for n in ("sampling", "interval") if n in view}
    size = saved.input_shape[2]
    return TrainConfig(model=origin.method, backbone=origin.backbone, image_size=size, **values)


def check_values(plain: TrainConfig, recipe: TrainConfig) -> None:
    """Raises ValueError for values that no recipe allows, before a data set is built.

    Args:
        plain: The options on the defaults.
        recipe: The options on the recipe, as far as it is known.
    """
    # `small`, which may be chosen later, has the --freeze that these two require.
    dataclasses.replace(recipe, cached_clips=0, cache=None).check()
    check_method(plain.model, plain.method_options)
    check_weights(plain)


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
    try:
        tfrecords.build(config.videos, data)
    except TooManyFailures as error:
        allow = f"ctm build {source} --out {data} --max-failures 0.2"
        raise TooManyFailures(f"{error} To allow more, run `{allow}` first.") from error
    print(f"Data set: {data}, built from {source}.")
    return dataclasses.replace(config, videos=None, data=data, out=out)


@dataclass(frozen=True)
class Choice:
    """The recipe that was chosen; `str` says which, why, and how to have the other.

    Args:
        recipe: Its values, or None for the defaults, which are the CTM paper's.
        why: The reason, as the end of a sentence.
        trains: What it trains on the features of the frozen layers.
        possible: Whether `small` is possible, too.
    """

    recipe: TrainConfig | None
    why: str
    trains: str = ""
    possible: bool = False

    def __str__(self) -> str:
        if self.recipe is None:
            advice = " For few videos: --recipe small." if self.possible else ""
            return f"Recipe: the CTM paper's, {self.why}.{advice}"
        return (
            f"Recipe: small, {self.why}. It trains {self.trains} on the features of a frozen "
            f"{self.recipe.backbone}. For the CTM paper's: --recipe {PAPERS}."
        )


def choose(given: TrainConfig, requested: bool, origin: Origin | None) -> Choice:
    """Chooses the recipe: that of the run in the folder, else by the data and the options.

    Args:
        given: The options on the data set; those that are not given are unset.
        requested: Whether the recipe `small` was requested.
        origin: The network in `--weights`, if it is a video model.
    """
    given.dataset  # noqa: B018  (it raises)
    first = given.folder / "fold-0" if given.folds else given.folder
    if is_run(first):
        stored = Run.open(first).config
        kept = {name: getattr(stored, name) for name in (*UNSET, "image_size", "recipe")}
        why = f"as the run in {given.folder}"
        if stored.recipe != "small":
            return Choice(None, why)
        return _small(dataclasses.replace(small.CONFIG, **kept), why, given, origin)
    videos = training_videos(given)
    reason = against_small(given, origin)
    if not requested and (reason or given.backbone or videos >= FEW):
        other = "since --backbone is given" if given.backbone else f"for {videos:,} training videos"
        return Choice(None, reason or other, possible=reason is None)
    gpu = _has_gpu() and not given.devices.startswith("cpu")
    recipe = small.for_machine(gpu)
    size = given.batch_size or min(recipe.batch_size, videos)
    recipe = dataclasses.replace(
        recipe,
        recipe="small",
        backbone=given.backbone or (origin and origin.backbone) or recipe.backbone,
        batch_size=size,
        epochs=small.epochs(videos, size),
    )
    why = "as requested" if requested else f"for {videos:,} training videos, fewer than {FEW:,}"
    return _small(recipe, why, given, origin)


def _small(recipe: TrainConfig, why: str, given: TrainConfig, origin: Origin | None) -> Choice:
    """The choice of `small`; on weights with temporal layers, with their method and clips."""
    if not _same_method(given, origin):
        learns = set(given.model.split("+")) - {"tsn", "tsm", "avg", "max"}
        block = f"a temporal block ({given.model}) and " if learns else ""
        return Choice(recipe, why, f"{block}the classifier")
    recipe = dataclasses.replace(
        recipe, model=given.model, sampling=given.sampling, interval=given.interval
    )
    return Choice(recipe, why, "the temporal layers and the classifier")


def completed(chosen: TrainConfig, given: TrainConfig, origin: Origin | None) -> TrainConfig:
    """The chosen options, where options of the method add to those of the recipe.

    Weights of the same method have their own.

    Augmentations that need new clips in each step switch off the recipe's cache.
    """
    augmentation = chosen.augmentation
    if (augmentation.mixes or augmentation.repeats > 1) and not given.cached_clips:
        chosen = dataclasses.replace(chosen, cached_clips=0)
    names = {parse_option(option)[0] for option in given.options}
    fixed = "stages" in names or _same_method(chosen, origin)
    possible = {} if fixed else options_of(chosen.model)
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


def against_small(given: TrainConfig, origin: Origin | None) -> str | None:
    """Why the options, or the network in their weights, do not suit `small`; or None."""
    if several_machines(given.workers):
        return "since it trains on several machines"
    if given.model != "tsn" and "stages" not in options_of(given.model):
        return f"since {given.model} has no layer for the features of a frozen model"
    if weights_of(given) == "none":
        return "since no trained weights could be frozen"
    if origin and origin.method != "tsn":
        return "since --weights is not a TSN, whose layers could be frozen"
    return None


def _same_method(config: TrainConfig, origin: Origin | None) -> bool:
    """Whether the weights have temporal layers of the method, too."""
    return origin is not None and origin.method == config.model != "tsn"


def _has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))
