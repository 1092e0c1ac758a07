"""From a command line to the options of a command; a long help has them in groups."""

import dataclasses
import re
from typing import Any

import tyro

from training.config.options import Options


def parse(
    takes: Any, arguments: list[str], prog: str, description: str | None = None, default: Any = None
) -> Any:
    """The options that a command line gives; of a function, what it returns.

    Args:
        takes: A dataclass of options, or a function, which is carried out.
        arguments: The command line after the command's name.
        prog: The command, as its help names it.
        description: The head of the help. Defaults to the docstring.
        default: Options that have the defaults. Defaults to those of the dataclass.

    Raises:
        SystemExit: After the help, or if the command line has no such options.
    """
    if not isinstance(takes, type):
        hidden = (tyro.conf.SuppressFixed,)  # what only Python can say: an executor
        return tyro.cli(takes, prog=prog, args=arguments, config=hidden)
    if len(_parts_of(takes)) == 1:
        return tyro.cli(takes, prog=prog, args=arguments)
    flat = (tyro.conf.OmitArgPrefixes,)
    grouped = _in_groups(takes, default)
    parsed: Any = tyro.cli(grouped, prog=prog, description=description, args=arguments, config=flat)
    values = [vars(part) for part in vars(parsed).values()]
    return takes(**{name: value for part in values for name, value in part.items()})


def _parts_of(takes: type) -> list[type]:
    """The dataclasses that options are made of, each a group of the help."""
    parts = [base for base in takes.__bases__ if base is not Options]
    own = vars(takes).get("__annotations__")
    return [takes] if own or not parts else parts


def _in_groups(takes: type, default: Any) -> type:
    """The same options with a field for each part: tyro makes a group of it."""
    fields = []
    for part in _parts_of(takes):
        given = dataclasses.field()
        if default is not None:
            names = [field.name for field in dataclasses.fields(part)]
            given = dataclasses.field(default=part(**{n: getattr(default, n) for n in names}))
        fields.append((_title_of(part), part, given))
    grouped = dataclasses.make_dataclass(takes.__name__, fields, kw_only=True)
    grouped.__doc__ = takes.__doc__
    return grouped


def _title_of(part: type) -> str:
    """The title of a group, from the name of the class: DataAndRunConfig is data_and_run."""
    return re.sub("(?<!^)(?=[A-Z])", "_", part.__name__.removesuffix("Config")).lower()
