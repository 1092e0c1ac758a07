"""The command line. Each command imports what it needs when it runs: `ctm --help` is instant."""

import functools
import os
import sys
from collections.abc import Callable
from json import dumps
from pathlib import Path
from typing import Annotated

import tyro

import tfrecords
from tfrecords.names import printable
from tfrecords.storage import as_path, is_remote
from training import recipes
from training.ablate_config import AblateConfig
from training.clip_config import ShowConfig
from training.config import TrainConfig
from training.evaluate_config import EvaluateCommand

DataFolder = Annotated[str, tyro.conf.arg(metavar="DIR")]
RunFolder = Annotated[Path, tyro.conf.arg(metavar="RUN", help="Folder of the run.")]


def verify(data: tyro.conf.Positional[DataFolder], sample: int = 100) -> None:
    """Check every checksum and count of a data set, and decode a sample of its frames.

    For example:
      ctm verify data/mine
      ctm verify s3://bucket/mine

    Args:
        data: Folder that `ctm build` wrote; also s3://, gs://, https://.
        sample: Frames to decode.
    """
    report = tfrecords.verify(data, sample=sample)
    print(report)
    if not report.ok:
        sys.exit(1)


def stats(
    data: tyro.conf.Positional[DataFolder],
    picture: Path | None = None,
    json: bool = False,
    copies: bool = True,
) -> None:
    """Print what a data set holds: leaks between splits first, then lengths, sizes and classes.

    Copies of a video are found by their pictures, also when they are encoded anew, scaled or cut;
    videos of one group in several splits by what `ctm build` noted. For example:
      ctm stats data/mine
      ctm stats data/mine --picture stats.png
      ctm stats data/mine --json > stats.json

    Args:
        data: Folder of a data set; also s3://, gs://, https://.
        picture: PNG to write, of the classes, lengths, frame rates and copies.
        json: Print JSON for programs, with all copies.
        copies: Look for copies, which reads frames of every video.
    """
    found = tfrecords.stats(data, copies)
    print(dumps(found.as_json(), indent=1, ensure_ascii=False) if json else found)
    if picture:
        from training.stats_picture import draw_stats

        draw_stats(found, picture)


def predict(
    run: tyro.conf.Positional[RunFolder],
    videos: tyro.conf.Positional[tuple[Path, ...]],
    json: bool = False,
    num_clips: int = 10,
    num_crops: int = 1,
    timelines: Path | None = None,
) -> None:
    """Print the five best classes of each video.

    A video of more than two clips' length gets a picture of its classes over time. For example:
      ctm predict runs/mine holiday.mp4
      ctm predict runs/mine *.mp4 --json > classes.json

    Args:
        run: Folder of the run.
        videos: Video files, GIFs or folders of frames.
        json: Print JSON for programs.
        num_clips: Clips of a video, evenly from its start to its end.
        num_crops: 1 (centre), 3, 5 or 10 crops of each clip.
        timelines: Where pictures of long videos go (default: RUN/timelines).
    """
    from training.predict import predict

    failed = predict(run, videos, json, num_clips, num_crops, timelines)
    if failed:
        sys.exit(1)


def report(
    runs: tyro.conf.Positional[tuple[RunFolder, ...]],
    to: Path = Path("report.html"),
    title: str = "Video models",
) -> None:
    """Join runs in one HTML file: tables, curves, confusions with their clips.

    The file opens from disk and loads nothing. For example:
      ctm report runs/mine-tsn runs/mine-ctm --to report.html

    Args:
        runs: Folders of runs; those that `ctm evaluate` scored have their numbers in it.
        to: HTML file to write.
        title: Its heading.
    """
    from training.report.page import report

    report(runs, to, title)
    print(f"Written: {to}")


def explain(
    run: tyro.conf.Positional[RunFolder],
    video: tyro.conf.Positional[Path],
    to: Path,
    class_name: str | None = None,
) -> None:
    """Show where and when in a video the model sees a class, as a GIF or MP4.

    Each frame of the middle clip stands beside its class activation map. For example:
      ctm explain runs/mine holiday.mp4 --to holiday.gif
      ctm explain runs/mine holiday.mp4 --to dive.mp4 --class-name diving

    Args:
        run: Folder of the run.
        video: Video file, GIF or folder of frames.
        to: GIF or MP4 to write.
        class_name: Which class (default: the one that the model sees).
    """
    from training.explain import explain

    print(f"{explain(run, video, to, class_name)}\nWritten: {to}")


def export(
    run: tyro.conf.Positional[RunFolder], to: Path, version: int = 1, which: str = "model"
) -> None:
    """Write a trained model as TF Serving wants it.

    For example:
      ctm export runs/mine --to served/mine

    Args:
        run: Folder of the run.
        to: Folder of the served model; its last part is the model's name in the URL.
        version: Number of the version, a folder below.
        which: model (the last) or best (the best on the validation split).
    """
    from training.export import export

    print(f"Written: {export(run, to, version, which)}")


def analyze(
    runs: tyro.conf.Positional[tuple[RunFolder, ...]],
    out: Path = Path("analysis"),
    top: int = 10,
    orders: bool = False,
    kernels: bool = False,
) -> None:
    """Tell what evaluated models owe to space and to time, beside the TSN among them.

    From the predictions that `ctm evaluate` saved: spatial contribution Phi and temporal
    improvement Psi, temporal and static classes, how alike the models' gains are. Writes
    analysis.json and temporal_gains.png. For example:
      ctm analyze runs/mine-tsn runs/mine-ctm runs/mine-tsm
      ctm analyze runs/mine-ctm --orders
      ctm analyze runs/mine-ctm --kernels

    Args:
        runs: Folders of runs, evaluated on the same split with the same protocol.
        out: Folder for what it writes.
        top: Classes that count as temporal, and as static.
        orders: Instead evaluate with frames shuffled, reversed and repeated.
        kernels: Instead draw the kernels of the TCC layers over the image.
    """
    if orders:
        from training.analysis.order_test import order_tests

        for line in order_tests(runs, out):
            print(line)
        return
    if kernels:
        from training.analysis.kernels import draw_all

        for path in draw_all(runs, out):
            print(f"Written: {path}")
        return
    from training.analysis.runs import analyze

    for line in analyze(runs, out, top):
        print(line)
    print(f"Written: {out / 'analysis.json'}, {out / 'temporal_gains.png'}")


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
        options: What the keys do not tell, as name=value: temporal_pooling=True, options of
            the method.
        allow: Keys of the file that may be left over, as patterns: "aux*".
    """
    import ctm_keras
    from tfrecords.disk import full_disk_in_words
    from training.config import parse_option

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
            **dict(map(parse_option, options)),
        )
    print(f"Written: {to}")


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
        from training.model_table import cost_table

        for line in cost_table(backbone, frames, image_size, classes):
            print(line, flush=True)
        return
    import ctm_keras

    for name, line in ctm_keras.list_models().items():
        print(f"{name:10} {line}")


def quickstart(out: Path = Path("quickstart")) -> None:
    """Make a small set of videos, train TSN and CTM on it, compare, export. Takes minutes.

    For example:
      ctm quickstart

    Args:
        out: Folder for everything it makes, new or empty.
    """
    from training.quickstart import quickstart

    quickstart(out)


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


def with_examples(function: Callable, *examples: str) -> Callable:
    """A library function as a command: its own options, with examples in its help."""

    @functools.wraps(function)
    def command(*args, **kwargs):
        function(*args, **kwargs)

    first, _, rest = function.__doc__.partition("\n")
    lines = "\n".join(f"      {example}" for example in examples)
    command.__doc__ = f"{first}\n\n    For example:\n{lines}\n{rest}"
    return command


# What each command takes: a function, or a config.
COMMANDS = {
    "quickstart": quickstart,
    "build": with_examples(
        tfrecords.build,
        "ctm build videos --out data/mine",
        "ctm build index.csv --out data/mine --split-column fold --val 0",
        "ctm build UCF-101 --out data/ucf101 --format ucf101 --annotations ucfTrainTestlist",
        "ctm build videos --out data/mine --estimate",
        "ctm build videos --out /shared/mine --dask tcp://host:8786",
        "ctm build --format help",
    ),
    "import-records": with_examples(
        tfrecords.import_records,
        "ctm import-records kinetics --out data/kinetics",
        "ctm import-records records --out data/mine --train 'a-*' --val 'b-*' --classes names.txt",
    ),
    "verify": verify,
    "stats": stats,
    "show": ShowConfig,
    "train": TrainConfig,
    "ablate": AblateConfig,
    "evaluate": EvaluateCommand,
    "analyze": analyze,
    "report": report,
    "predict": predict,
    "explain": explain,
    "export": export,
    "import-weights": import_weights,
    "models": models,
}
WITHOUT_TENSORFLOW = ("build", "import-records", "stats", "verify")


def summary(command: Callable) -> Callable:
    """A stand-in with the first line of a command's help, for the list of commands."""

    def stand_in() -> None: ...

    stand_in.__doc__ = command.__doc__.partition("\n")[0]
    return stand_in


def run(name: str, arguments: list[str]) -> None:
    """Runs one command."""
    if name == "build" and arguments in (["--format", "help"], ["--format=help"]):
        print(tfrecords.explain_formats())
        return
    if name not in WITHOUT_TENSORFLOW and not {"-h", "--help"} & set(arguments):
        import_tensorflow_quietly()
    if name == "train":
        train(arguments)
        return
    hidden = (tyro.conf.SuppressFixed,)  # what only Python can say: an executor
    result = tyro.cli(COMMANDS[name], prog=f"ctm {name}", args=arguments, config=hidden)
    if isinstance(result, EvaluateCommand):
        from training.evaluate import evaluate_all

        for line in evaluate_all(result):
            print(line, flush=True)
    if isinstance(result, ShowConfig):
        from training.show import show

        print(f"Written: {show(result)}")
    if isinstance(result, AblateConfig):
        from training.ablate import ablate

        path = ablate(result)
        print(f"{path.read_text()}\nWritten: {path}")


def train(arguments: list[str]) -> None:
    """Trains by the command line, whose defaults are a recipe's where it names one."""
    if arguments in (["--recipe", "help"], ["--recipe=help"]):
        for name in recipes.names():
            print(f"{name:20} {recipes.explain(name).splitlines()[0]}")
        return
    recipe, arguments = recipes.default_from(arguments)
    head = {"description": recipes.explain(recipe.recipe)} if recipe.recipe else {}
    config = tyro.cli(TrainConfig, prog="ctm train", args=arguments, default=recipe, **head)
    from training.train import train

    train(config)


def show_commands(arguments: list[str]) -> None:
    """The list of commands, or what is wrong with the name of one."""
    tyro.extras.subcommand_cli_from_dict(
        {name: summary(command) for name, command in COMMANDS.items()},
        prog="ctm",
        description="Video action recognition: from labelled videos to a served classifier.",
        args=arguments,
    )


def import_tensorflow_quietly() -> None:
    """Imports TensorFlow with its greetings on the error stream left out."""
    several = "TF_CONFIG" in os.environ or any(a.startswith("--workers") for a in sys.argv)
    # Of a lost worker TensorFlow tells at length; it becomes one sentence.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3" if several else "2")
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        import tensorflow as tf

        tf.config.list_physical_devices()
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def main() -> None:
    """Runs `ctm`: a user's mistake is one sentence and exit code 1 (2 for the options)."""
    arguments = sys.argv[1:] or ["--help"]
    try:
        if arguments[0] in COMMANDS:
            run(arguments[0], arguments[1:])
        else:
            show_commands(arguments)
    except KeyboardInterrupt:
        sys.exit("ctm: interrupted")
    except BrokenPipeError:  # `ctm ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        # TensorFlow wraps what its readers raise; anything else is a fault of this program.
        mistake = error if isinstance(error, ValueError | OSError) else tfrecords.data_error(error)
        if mistake is None or os.environ.get("CTM_DEBUG"):
            raise
        sys.exit("ctm: " + "\n".join(map(printable, str(mistake).split("\n"))))
