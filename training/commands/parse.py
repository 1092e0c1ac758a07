"""Parses command lines; a long help shows its options in groups."""

import dataclasses
import re
from typing import Annotated, Any

import tyro

from training.config.options import Options
from training.config.train import OptimizationConfig


def parse(
    takes: Any, arguments: list[str], prog: str, description: str | None = None, default: Any = None
) -> Any:
    """The options of a command line; for a function, calls it and returns its result.

    Args:
        takes: A dataclass of options, or a function to call with the options.
        arguments: The command line after the command's name.
        prog: The command's name in its help.
        description: The head of the help. Defaults to the docstring.
        default: Options whose values are the defaults. Defaults to those of the dataclass.

    Raises:
        SystemExit: After printing the help, or if an option is invalid.
    """
    if not isinstance(takes, type):
        hidden = (tyro.conf.SuppressFixed,)  # arguments for Python only, such as an executor
        return tyro.cli(takes, prog=prog, args=arguments, config=hidden)
    if len(_parts_of(takes)) == 1:
        return tyro.cli(takes, prog=prog, args=arguments)
    flat = (tyro.conf.OmitArgPrefixes,)
    grouped = _in_groups(takes, default)
    parsed: Any = tyro.cli(grouped, prog=prog, description=description, args=arguments, config=flat)
    values = [vars(part) for part in vars(parsed).values()]
    taken = takes(**{name: value for part in values for name, value in part.items()})
    if isinstance(default, OptimizationConfig) and taken.optimizer != default.optimizer:
        default = default.for_optimizer(taken.optimizer)
        return parse(takes, arguments, prog, description, default)
    return taken


def _parts_of(takes: type) -> list[type]:
    """The dataclasses with options that a config inherits from, each a group of the help."""
    parts = [base for base in takes.__bases__ if base is not Options]
    own = vars(takes).get("__annotations__")
    if own or not parts:
        return [takes]
    return [part for base in parts for part in _parts_of(base)]


def _in_groups(takes: type, default: Any) -> type:
    """The same options with a field for each part, which tyro shows as a group."""
    annotated: Any = Annotated  # mypy refuses types that are known only at run time
    fields = []
    for part in _parts_of(takes):
        given = dataclasses.field()
        if default is not None:
            names = [field.name for field in dataclasses.fields(part)]
            given = dataclasses.field(default=part(**{n: getattr(default, n) for n in names}))
        title = _title_of(part)
        named = annotated[part, tyro.conf.arg(name=title)]
        fields.append((title.replace(" ", "_"), named, given))
    grouped = dataclasses.make_dataclass(takes.__name__, fields, kw_only=True)
    grouped.__doc__ = takes.__doc__
    return grouped


def _title_of(part: type) -> str:
    """The title of a group, from the name of its class: DataAndRunConfig is "data and run"."""
    return re.sub("(?<!^)(?=[A-Z])", " ", part.__name__.removesuffix("Config")).lower()
