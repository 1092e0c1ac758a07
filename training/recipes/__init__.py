"""The papers' protocols, one file each: its head names the paper, the command and the result."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Sequence
from types import ModuleType

from training.config.train import TrainConfig


def names() -> list[str]:
    """The recipes that there are."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def read(name: str) -> TrainConfig:
    """The configuration of a recipe.

    Raises:
        ValueError: If there is no such recipe; names the nearest.
    """
    return dataclasses.replace(_module(name).CONFIG, recipe=name)


def explain(name: str) -> str:
    """The head of a recipe: paper, command, hardware, published result.

    Raises:
        ValueError: If there is no such recipe.
    """
    return _module(name).__doc__ or ""


def overview() -> str:
    """The recipes, each with the first line of its head."""
    return "\n".join(f"{name:20} {explain(name).splitlines()[0]}" for name in names())


def default_from(arguments: Sequence[str]) -> tuple[TrainConfig | None, list[str]]:
    """The recipe that a command line names (None: help is wanted), and the rest of the line.

    Raises:
        ValueError: If there is no such recipe.
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
        from ctm_keras.names import unknown_name  # which imports Keras: `ctm --help` must not

        raise unknown_name("recipe", name, names())
    return importlib.import_module(f"{__name__}.{name}")
