"""The papers' recipes, one file each; its docstring has the paper, command and result."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Sequence
from types import ModuleType

from training.config.train import TrainConfig


def names() -> list[str]:
    """The names of all recipes."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def read(name: str) -> TrainConfig:
    """The config of a recipe.

    Raises:
        ValueError: If the recipe is unknown; the message suggests the nearest name.
    """
    return dataclasses.replace(_module(name).CONFIG, recipe=name)


def explain(name: str) -> str:
    """The description of a recipe: paper, command, hardware, published result.

    Raises:
        ValueError: If the recipe is unknown.
    """
    return _module(name).__doc__ or ""


def overview() -> str:
    """All recipes, each with the first line of its description."""
    return "\n".join(f"{name:20} {explain(name).splitlines()[0]}" for name in names())


def default_from(arguments: Sequence[str]) -> tuple[TrainConfig | None, list[str]]:
    """The recipe of a command line (None for `--recipe help`), and the remaining arguments.

    Raises:
        ValueError: If the recipe is unknown.
    """
    rest, name = [], None
    words = iter(arguments)
    for word in words:
        flag, equals, value = word.partition("=")
        if flag == "--recipe":
            name = value if equals else next(words, "")
        else:
            rest.append(word)
    if name == "help":
        return None, rest
    return (TrainConfig() if name is None else read(name)), rest


def _module(name: str) -> ModuleType:
    if name not in names():
        from ctm_keras.names import unknown_name  # imports Keras, so not at the top

        raise unknown_name("recipe", name, names())
    return importlib.import_module(f"{__name__}.{name}")
