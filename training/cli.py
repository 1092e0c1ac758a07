"""The command line. Each command imports what it needs when it runs: `ctm --help` is instant."""

import io
import logging
import os
import sys
from collections.abc import Callable
from importlib.metadata import version

import tyro

import tfrecords
from tfrecords.text import printable
from training import recipes
from training.ablate.config import AblateConfig
from training.commands.parse import parse
from training.commands.table import COMMANDS, Command


def summary(command: Command) -> Callable[[], None]:
    """A function with the first line of a command's help, for the list of commands."""

    def stand_in() -> None: ...

    stand_in.__doc__ = (command.takes.__doc__ or "").partition("\n")[0]
    return stand_in


def run(name: str, arguments: list[str]) -> None:
    """Runs one command."""
    command = COMMANDS[name]
    if name == "build" and arguments in (["--format", "help"], ["--format=help"]):
        print(tfrecords.explain_formats())
        return
    asks = {"-h", "--help"} & set(arguments)
    if command.tensorflow and not asks:
        _import_tensorflow_quietly()
    default = description = None
    if name in ("train", "ablate"):
        recipe, arguments = recipes.default_from(arguments)
        if recipe is None:
            print(recipes.overview())
            return
        if name == "train" and recipe.recipe in (None, "small") and not asks:
            from training.commands.train import parse_train  # imports Keras, so not at the top

            requested = recipe.recipe is not None
            command.carry_out(parse_train(command.with_examples, arguments, requested))
            return
        default = AblateConfig.by_recipe(recipe) if name == "ablate" else recipe
        if recipe.recipe:
            description = recipes.explain(recipe.recipe)
    taken = parse(command.with_examples, arguments, f"ctm {name}", description, default)
    command.carry_out(taken)


def _show_commands(arguments: list[str]) -> None:
    """Prints the list of commands, or an error for an unknown command."""
    tyro.extras.subcommand_cli_from_dict(
        {name: summary(command) for name, command in COMMANDS.items()},
        prog="ctm",
        description="Video action recognition: from labeled videos to a served classifier. "
        "`ctm --version` prints the version.",
        args=arguments,
    )


def _import_tensorflow_quietly() -> None:
    """Imports TensorFlow without its startup messages on standard error."""
    several = "TF_CONFIG" in os.environ or any(a.startswith("--workers") for a in sys.argv)
    # TensorFlow logs a lost worker at length; `lost_worker_in_words` prints one sentence.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3" if several else "2")
    # Several models or sizes in one command are traced anew; advice to programmers, not to users.
    logging.getLogger("tensorflow").addFilter(lambda log: "retracing" not in log.getMessage())
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
    """Runs `ctm`: user errors print one message and exit with code 1 (2 for invalid options)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may not support every character
            stream.reconfigure(errors="backslashreplace")
    arguments = sys.argv[1:] or ["--help"]
    try:
        if arguments[0] == "--version":
            print(f"ctm-keras {version('ctm-keras')}")
        elif arguments[0] in COMMANDS:
            run(arguments[0], arguments[1:])
        else:
            _show_commands(arguments)
    except KeyboardInterrupt:
        sys.exit("ctm: interrupted")
    except BrokenPipeError:  # `ctm ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except UnicodeEncodeError as error:  # a file name; printed text is escaped
        sys.exit(
            f"ctm: this locale cannot encode the file name {error.object!a}. Set LC_ALL=C.UTF-8 "
            "and run the command again."
        )
    except Exception as error:
        # TensorFlow wraps errors of its data readers; anything else is a bug in this program.
        mistake = error if isinstance(error, ValueError | OSError) else tfrecords.data_error(error)
        if mistake is None or os.environ.get("CTM_DEBUG"):
            raise
        sys.exit("ctm: " + "\n".join(map(printable, str(mistake).split("\n"))))
