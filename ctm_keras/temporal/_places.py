"""Where in a backbone temporal layers stand."""

from collections.abc import Callable
from typing import Any

from ..engine.anatomy import Anatomy
from ..engine.graft import Edit, Graft, Role, Site


def block_sites(
    anatomy: Anatomy, role: Role, stages: Any, blocks: Any, default: dict[int, Any], what: str
) -> list[Site]:
    """The sites of a role in chosen blocks of chosen stages.

    Args:
        anatomy: Anatomy of the image model.
        role: Role of the sites, such as `"block_output"`.
        stages: A stage or several.
        blocks: How many in each stage, a tuple of which ones, `"all"`, or None; or one of these
            for each stage, in a dict.
        default: `blocks` for None, by stage; one where a stage is not named.
        what: Stands there, as an error says it.
    """
    if isinstance(stages, str):
        raise ValueError(f"`stages` are numbers, 2 to 5 as in Res2 to Res5; received {stages!r}.")
    chosen = []
    for stage in (stages,) if isinstance(stages, int) else tuple(stages):
        sites = anatomy.at(role, stage)
        length = max(site.index for site in sites)
        own = blocks.get(stage) if isinstance(blocks, dict) else blocks
        places = _places(own, stage, length, default.get(stage, 1), what)
        chosen += [site for site in sites if site.index in places]
    if not chosen:
        raise ValueError(f"{what} needs a stage to stand in; received stages={stages!r}.")
    return chosen


def _places(blocks: Any, stage: int, length: int, default: Any, what: str) -> tuple[int, ...]:
    """The blocks, from 1, of a stage of that length."""
    if blocks is None:
        blocks = default if default == "all" else min(default, max(1, length - 1))
    if blocks == "all":
        return tuple(range(1, length + 1))
    if isinstance(blocks, int) and 1 <= blocks <= length:
        return _evenly(blocks, length)
    if isinstance(blocks, (tuple, list)) and blocks and set(blocks) <= set(range(1, length + 1)):
        return tuple(blocks)
    raise ValueError(
        f"Stage {stage} has {length} residual blocks. `blocks` is how many get a {what} block (1 "
        f"to {length}), a tuple of which ones, or 'all'; received {blocks!r}."
    )


def _evenly(count: int, length: int) -> tuple[int, ...]:
    """`count` places spread over 1..length; one alone stands before the last."""
    if count == 1:
        return (max(1, length - 1),)
    return tuple(i * (length + 1) // (count + 1) for i in range(1, count + 1))


def before_residual_branches(anatomy: Anatomy, what: str, make: Callable) -> list[Graft]:
    """A layer before each residual branch; where a backbone has none, after each block.

    Args:
        anatomy: Anatomy of the image model.
        what: Ends the layers' names, `"tam"` in `conv2_block1_tam`.
        make: Makes a layer, given its name.
    """
    edit: Edit
    outputs = anatomy.at("block_output")
    sums = any(type(site.operation).__name__ == "Add" for site in outputs)  # layers or bare
    if sums or any(site.role == "residual_entry" for site in anatomy.sites):
        sites, edit = anatomy.at("residual_entry"), "before"
    else:
        sites, edit = outputs, "after"
    return [Graft(site, edit, make(name=f"{site.block}_{what}")) for site in sites]
