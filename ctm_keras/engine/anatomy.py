"""Anatomy of an image model: its sites, found by the layer names in the table of families."""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import keras
from keras import layers, tree

from ..names import unknown_name
from .families import FAMILIES, UNGRAFTABLE, Family
from .graft import Role, Site

Operations: TypeAlias = dict[str, keras.Operation]  # a model's operations by name
Readers: TypeAlias = dict[int, list]  # the operations that read a tensor, by the tensor's id


def backbone_names() -> list[str]:
    """Returns the valid names for `backbone`."""
    return [member.lower() for family in FAMILIES for member in family.members]


def find_family(backbone: str) -> tuple[Family, str]:
    """Returns the family of a backbone and the name of the function that builds it.

    Raises:
        ValueError: If the backbone is unknown or cannot be grafted.
    """
    for family in FAMILIES:
        for member in family.members:
            if member.lower() == str(backbone).lower():
                return family, member
    for member, reason in UNGRAFTABLE.items():
        if member.lower() == str(backbone).lower():
            raise ValueError(f"{member} cannot be grafted: {reason}. Choose another backbone.")
    raise unknown_name("backbone", backbone, backbone_names())


def by_stage(blocks: Iterable[tuple[int, int]]) -> dict[int, tuple[int, ...]]:
    """Groups pairs of stage and block by stage, such as `{3: (1, 3), 4: (1, 3, 5)}`."""
    blocks = sorted(blocks)
    return {s: tuple(index for stage, index in blocks if stage == s) for s in dict(blocks)}


@dataclass(frozen=True)
class Anatomy:
    """An image model and its sites.

    Args:
        backbone: Name of the backbone.
        family: Its family.
        model: The image model.
        sites: All sites, in the order of the graph.
    """

    backbone: str
    family: Family
    model: keras.Model
    sites: tuple[Site, ...]

    def at(self, role: Role, stage: int | None = None) -> list[Site]:
        """Returns the sites of a role, optionally only those of one stage.

        Raises:
            ValueError: If there are none. The message lists the sites that exist.
        """
        found = [s for s in self.sites if s.role == role and stage in (None, s.stage)]
        if not found:
            raise ValueError(self._missing(role, stage))
        return found

    def _missing(self, role: Role, stage: int | None) -> str:
        reason = self.family.why_not.get(role)
        if reason:
            return f"{self.backbone} has no site {role!r}: {reason}."
        exist = sorted({(s.role, s.stage) for s in self.sites if s.stage})
        if role not in {r for r, _ in exist}:
            return str(unknown_name("site", role, dict.fromkeys(s.role for s in self.sites)))
        stages = [s for r, s in exist if r == role]
        return (
            f"The stage of a {role} site of {self.backbone} must be one of "
            f"{', '.join(map(str, stages))}, received {stage}."
        )


def dissect(backbone: str, model: keras.Model) -> Anatomy:
    """Finds the sites of an image model by its layer names."""
    family, _ = find_family(backbone)
    operations = {op.name: op for op in model.operations}
    stem = next(op for name, op in operations.items() if re.fullmatch(family.stem, name))
    sites = [Site("stem", stem)]
    following = readers(model)
    blocks = _blocks(family, model, operations)
    for stage in sorted({stage for _, stage in blocks}):
        names = [name for name, of in blocks if of == stage]
        for index, name in enumerate(names, start=1):
            found = _block_sites(family, operations, following, name)
            sites += [Site(role, op, name, stage, index) for role, op in found]
        sites.append(Site("stage_output", sites[-1].operation, names[-1], stage, len(names)))
    sites += [Site("pool", op, stage=_stride(model, op)) for op in model.layers if _pools(op)]
    (output,) = (op for op in model.operations if op.output is model.output)
    sites.append(Site("head", output, "head"))
    return Anatomy(str(backbone).lower(), family, model, tuple(sites))


def readers(model: keras.Model) -> Readers:
    """Returns the operations that read each tensor of a model, by the tensor's id."""
    found: Readers = {}
    for operation in model.operations:
        if not isinstance(operation, layers.InputLayer):
            for x in tree.flatten(operation.input):
                found.setdefault(id(x), []).append(operation)
    return found


def _blocks(family: Family, model: keras.Model, operations: Operations) -> list[tuple[str, int]]:
    """Returns the blocks with their stages, in the order of the model."""
    blocks: dict[str, int | None] = {}
    for name in operations:
        match = re.fullmatch(family.block, name)
        if match and match[1] not in blocks:
            output = _first(operations, family.output, match[1])
            blocks[match[1]] = _stage(family, match, model, output)
    return [(name, stage) for name, stage in blocks.items() if stage is not None]


def _stage(
    family: Family, match: re.Match, model: keras.Model, output: keras.Operation
) -> int | None:
    if family.stages:
        return next((s for s, name in family.stages.items() if re.fullmatch(name, match[1])), None)
    if "stage" in match.groupdict():
        return int(match["stage"])
    return _stride(model, output)


def _stride(model: keras.Model, operation: keras.Operation) -> int:
    """Returns the stage of an operation: the binary logarithm of the stride of its maps."""
    image_size, size = model.input.shape[1], operation.output.shape[1]
    return next(k for k in range(16) if math.ceil(image_size / 2**k) <= size)


def _pools(operation: keras.Operation) -> bool:
    return isinstance(operation, layers.MaxPooling2D | layers.AveragePooling2D)


def _block_sites(
    family: Family, operations: Operations, following: Readers, name: str
) -> Iterator[tuple[Role, keras.Operation]]:
    """Yields the roles and operations of one block, its output last."""
    residual = _first(operations, family.merge, name)
    if residual and (entry := _first(operations, family.entry, name)):
        yield "residual_entry", entry
    for choices in family.middle:
        if middle := _first(operations, choices, name):
            yield "middle", middle
            yield "middle_output", _activated(middle, following)
    if shortcut := _first(operations, family.shortcut, name):
        yield "shortcut", shortcut
    yield "block_output", _first(operations, family.output, name)


def _activated(operation: keras.Operation, following: Readers) -> keras.Operation:
    """Returns the last of a convolution and the batch norm and activation that follow it."""
    readers_of = following.get(id(operation.output), [])
    kinds = layers.BatchNormalization | layers.Activation | layers.ReLU
    if len(readers_of) == 1 and isinstance(readers_of[0], kinds):
        return _activated(readers_of[0], following)
    return operation


def _first(operations: Operations, templates: tuple[str, ...], name: str) -> keras.Operation | None:
    """Returns the first of the named operations that exists in a block, or None."""
    names = (template.format(name) for template in templates)
    return next((operations[n] for n in names if n in operations and n.startswith(name)), None)
