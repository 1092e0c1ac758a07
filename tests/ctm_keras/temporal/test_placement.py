"""Placement of blocks: CTM's tables, the rule for other cases, and other methods."""

import pytest

from ctm_keras.engine.anatomy import Anatomy
from ctm_keras.engine.families import FAMILIES
from ctm_keras.engine.graft import Site
from ctm_keras.temporal.ctm import ctm
from ctm_keras.temporal.nonlocal_block import nonlocal_block
from ctm_keras.temporal.stm import stm

RESNET50 = {2: 3, 3: 4, 4: 6, 5: 3}
RESNET101 = {**RESNET50, 4: 23}
RESNET152 = {2: 3, 3: 8, 4: 36, 5: 3}

PLACES = [
    # the paper's default, its text on ResNet-101, and the same rule on others
    (RESNET50, {}, {4: (1, 3, 5)}),
    (RESNET101, {}, {4: (6, 12, 18)}),
    (RESNET152, {}, {4: (9, 18, 27)}),
    ({4: 4}, {}, {4: (1, 2, 3)}),
    ({4: 3}, {}, {4: (1, 2)}),
    ({4: 1}, {}, {4: (1,)}),
    # Table 1: a single block, before the last
    (RESNET50, {"blocks": 1}, {4: (5,)}),
    (RESNET50, {"blocks": 1, "paths": ("tccm",)}, {4: (5,)}),
    (RESNET50, {"blocks": 1, "paths": "temporal"}, {4: (5,)}),
    # Table 2: one block in each stage
    (RESNET50, {"stages": (2,)}, {2: (2,)}),
    (RESNET50, {"stages": 3}, {3: (3,)}),
    (RESNET50, {"stages": (4,), "blocks": 1}, {4: (5,)}),
    (RESNET50, {"stages": (5,)}, {5: (2,)}),
    # Table 3: 1, 3 and 6 blocks
    (RESNET50, {"blocks": 3}, {4: (1, 3, 5)}),
    (RESNET50, {"blocks": 6}, {4: (1, 2, 3, 4, 5, 6)}),
    (RESNET50, {"blocks": "all"}, {4: (1, 2, 3, 4, 5, 6)}),
    # one's own
    (RESNET50, {"blocks": (2, 6)}, {4: (2, 6)}),
    (RESNET50, {"blocks": 2}, {4: (2, 4)}),
    (RESNET50, {"stages": (3, 4)}, {3: (3,), 4: (1, 3, 5)}),
    (RESNET50, {"stages": [2, 5], "blocks": (1,)}, {2: (1,), 5: (1,)}),
]


@pytest.fixture(scope="module")
def anatomy():
    """An anatomy of nothing but block outputs and middles."""

    def make(stages):
        sites = [
            Site(role, None, f"conv{stage}_block{index}", stage, index)
            for stage, length in stages.items()
            for index in range(1, length + 1)
            for role in ("middle", "middle_output", "block_output")
        ]
        return Anatomy("resnet", FAMILIES[1], None, tuple(sites))

    return make


@pytest.mark.parametrize(("stages", "options", "places"), PLACES)
def test_places(anatomy, stages, options, places):
    grafts = ctm(anatomy(stages), **options)
    expected = [f"conv{s}_block{i}_ctm" for s, indices in places.items() for i in indices]
    assert [graft.layer.name for graft in grafts] == expected
    assert all(graft.edit == "after" and graft.site.role == "block_output" for graft in grafts)


@pytest.mark.parametrize("blocks", [1, 2, 3, 5, 6, (2, 6), "all"])
@pytest.mark.parametrize("stages", [4, (3, 4)])
def test_every_method_puts_as_many_at_the_same_places(anatomy, stages, blocks):
    options = {"stages": stages, "blocks": {3: 2, 4: blocks}}
    resnet, cstm = anatomy(RESNET50), {"modules": "cstm"}
    own = [{g.site.block for g in put(resnet, **options)} for put in (ctm, nonlocal_block)]
    assert own[0] == own[1] == {graft.site.block for graft in stm(resnet, **options, **cstm)}


@pytest.mark.parametrize("blocks", [0, 7, (7,), (), "every", -1])
def test_wrong_blocks_name_what_there_is(anatomy, blocks):
    with pytest.raises(ValueError, match=r"1 to 6 in stage 4"):
        ctm(anatomy(RESNET50), blocks=blocks)


def test_wrong_stage_names_what_there_is(anatomy):
    with pytest.raises(
        ValueError, match=r"a block_output site .* must be one of 2, 3, 4, 5, received 6"
    ):
        ctm(anatomy(RESNET50), stages=(6,))


def test_no_stage_is_no_ctm(anatomy):
    with pytest.raises(ValueError, match="at least one stage"):
        ctm(anatomy(RESNET50), stages=())
