"""Placement of temporal layers in a backbone."""

from collections.abc import Callable
from typing import Any

from ..engine.anatomy import Anatomy
from ..engine.graft import Edit, Graft, Role, Site


def block_sites(
    anatomy: Anatomy, role: Role, stages: Any, blocks: Any, default: dict[int, Any], what: str
) -> list[Site]:
    """Returns the sites of a role in the selected blocks of the selected stages.

    Args:
        anatomy: Anatomy of the image model.
        role: Role of the sites, such as `"block_output"`.
        stages: One or several stages, or `"head"` for the features that the head reads.
        blocks: Number of blocks in each stage, a tuple of their indices, `"all"`, None for the
            default, or a dict of these by stage.
        default: Default of `blocks` by stage, 1 for missing stages.
        what: Name of the temporal layer in errors.
    """
    if stages == "head":
        if blocks not in (None, 1, "all"):
            raise ValueError(f"blocks must be 1 at the head, received {blocks!r}. Omit it.")
        return anatomy.at("head")
    if isinstance(stages, str):
        raise ValueError(
            f"stages must be 'head' or integers from 2 to 5, as in Res2 to Res5, received "
            f"{stages!r}."
        )
    chosen = []
    for stage in (stages,) if isinstance(stages, int) else tuple(stages):
        sites = anatomy.at(role, stage)
        length = max(site.index for site in sites)
        own = blocks.get(stage) if isinstance(blocks, dict) else blocks
        places = _places(own, stage, length, default.get(stage, 1), what)
        chosen += [site for site in sites if site.index in places]
    if not chosen:
        raise ValueError(f"stages must have at least one stage for {what}, received {stages!r}.")
    return chosen


def at_head(anatomy: Anatomy, stages: Any) -> list[Site]:
    """Returns the site of the head, for methods that are otherwise in every block."""
    if stages != "head":
        raise ValueError(
            f"stages must be 'head' or None (every residual branch) for this method, received "
            f"{stages!r}."
        )
    return anatomy.at("head")


def _places(blocks: Any, stage: int, length: int, default: Any, what: str) -> tuple[int, ...]:
    """Returns the indices, from 1, of the selected blocks in a stage of `length` blocks."""
    if blocks is None:
        blocks = default if default == "all" else min(default, max(1, length - 1))
    if blocks == "all":
        return tuple(range(1, length + 1))
    if isinstance(blocks, int) and 1 <= blocks <= length:
        return _evenly(blocks, length)
    if isinstance(blocks, (tuple, list)) and blocks and set(blocks) <= set(range(1, length + 1)):
        return tuple(blocks)
    raise ValueError(
        f"blocks must be the number of {what} blocks (1 to {length} in stage {stage}), a tuple of "
        f"residual blocks, or 'all', received {blocks!r}."
    )


def _evenly(count: int, length: int) -> tuple[int, ...]:
    """Returns `count` indices spread evenly over 1..length; a single one is the last but one."""
    if count == 1:
        return (max(1, length - 1),)
    return tuple(i * (length + 1) // (count + 1) for i in range(1, count + 1))


def before_residual_branches(
    anatomy: Anatomy, stages: str | None, what: str, make: Callable
) -> list[Graft]:
    """Grafts a layer before each residual branch, or after each block without such branches.

    Args:
        anatomy: Anatomy of the image model.
        stages: `"head"` for one layer on the features that the head reads, or None.
        what: Suffix of the layer names, such as `"tam"` in `conv2_block1_tam`.
        make: Function that returns a layer for a name.
    """
    edit: Edit
    if stages is not None:
        (head,) = at_head(anatomy, stages)
        return [Graft(head, "after", make(name=f"{head.block}_{what}"))]
    outputs = anatomy.at("block_output")
    sums = any(type(site.operation).__name__ == "Add" for site in outputs)  # layers or operations
    if sums or any(site.role == "residual_entry" for site in anatomy.sites):
        sites, edit = anatomy.at("residual_entry"), "before"
    else:
        sites, edit = outputs, "after"
    return [Graft(site, edit, make(name=f"{site.block}_{what}")) for site in sites]
