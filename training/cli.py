"""The command line. Each command imports what it needs when it runs: `ctm --help` is instant."""

import functools
import os
import sys
from collections.abc import Callable
from importlib.metadata import version

import tyro

import tfrecords
from tfrecords.text import printable
from training import recipes
from training.ablate.config import AblateConfig
from training.commands.data import stats, verify
from training.commands.models import import_weights, models, quickstart
from training.commands.runs import analyze, explain, export, predict, report
from training.config.clips import ShowConfig
from training.config.train import TrainConfig
from training.evaluate.config import EvaluateCommand


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
    result = asked(name, arguments)
    if isinstance(result, EvaluateCommand):
        from training.evaluate.evaluate import evaluate_all

        for line in evaluate_all(result):
            print(line, flush=True)
    if isinstance(result, ShowConfig):
        from training.use.show import show

        print(f"Written: {show(result)}")
    if isinstance(result, AblateConfig):
        from training.ablate.ablate import ablate

        for path in ablate(result):
            print(path.read_text(encoding="utf-8"), f"Written: {path}", sep="\n")
    elif isinstance(result, TrainConfig):
        from training.fit.train import train

        train(result)


def asked(name: str, arguments: list[str]) -> object:
    """What a command line asks for; a function among the commands is carried out at once."""
    hidden = (tyro.conf.SuppressFixed,)  # what only Python can say: an executor
    if name not in ("train", "ablate"):
        return tyro.cli(COMMANDS[name], prog=f"ctm {name}", args=arguments, config=hidden)
    recipe, arguments = recipes.default_from(arguments)
    if recipe is None:
        print(recipes.overview())
        return None
    head = {"description": recipes.explain(recipe.recipe)} if recipe.recipe else {}
    default = recipe if name == "train" else AblateConfig.by_recipe(recipe)
    return tyro.cli(COMMANDS[name], prog=f"ctm {name}", args=arguments, default=default, **head)


def show_commands(arguments: list[str]) -> None:
    """The list of commands, or what is wrong with the name of one."""
    tyro.extras.subcommand_cli_from_dict(
        {name: summary(command) for name, command in COMMANDS.items()},
        prog="ctm",
        description="Video action recognition: from labeled videos to a served classifier. "
        "`ctm --version` prints the version.",
        args=arguments,
    )


def import_tensorflow_quietly() -> None:
    """Imports TensorFlow with its greetings on the error stream left out."""
    several = "TF_CONFIG" in os.environ or any(a.startswith("--workers") for a in sys.argv)
    # Of a lost worker TensorFlow tells at length; it becomes one sentence.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3" if several else "2")
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        import tensorflow as tf

        tf.config.list_physical_devices()
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def main() -> None:
    """Runs `ctm`: a user's mistake is one sentence and exit code 1 (2 for the options)."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # a terminal may not know every letter
    arguments = sys.argv[1:] or ["--help"]
    try:
        if arguments[0] == "--version":
            print(f"ctm-keras {version('ctm-keras')}")
        elif arguments[0] in COMMANDS:
            run(arguments[0], arguments[1:])
        else:
            show_commands(arguments)
    except KeyboardInterrupt:
        sys.exit("ctm: interrupted")
    except BrokenPipeError:  # `ctm ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except UnicodeEncodeError as error:  # the name of a file: what is printed is escaped
        sys.exit(
            f"ctm: this locale cannot spell the file name {error.object!a}. Set LC_ALL=C.UTF-8 "
            "and run the command again."
        )
    except Exception as error:
        # TensorFlow wraps what its readers raise; anything else is a fault of this program.
        mistake = error if isinstance(error, ValueError | OSError) else tfrecords.data_error(error)
        if mistake is None or os.environ.get("CTM_DEBUG"):
            raise
        sys.exit("ctm: " + "\n".join(map(printable, str(mistake).split("\n"))))
