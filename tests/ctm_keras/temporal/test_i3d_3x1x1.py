"""I3D 3x1x1: which convolutions reach over frames, and where frames are halved."""

import pytest

import ctm_keras
from ctm_keras.assembly import image_anatomy
from ctm_keras.temporal.i3d_3x1x1 import i3d_3x1x1
from ctm_keras.temporal.inflate import FrameStride, InflatedConv


@pytest.fixture(scope="module")
def resnet50():
    return image_anatomy("tv_resnet50", 64, None)


def inflated(grafts):
    """The inflated residual blocks, by stage."""
    found = {}
    for graft in grafts:
        if isinstance(graft.layer, InflatedConv) and graft.site.role == "residual_entry":
            assert graft.layer.kernel_size == (3, 1, 1)
            found.setdefault(graft.site.stage, []).append(graft.site.index)
    return found


def test_the_networks_of_mmaction2(resnet50):
    grafts = i3d_3x1x1(resnet50)
    assert inflated(grafts) == {2: [1, 2, 3], 3: [1, 3], 4: [1, 3, 5], 5: [2]}
    (stem,) = (g.layer for g in grafts if g.site.role == "stem")
    assert (stem.kernel_size, stem.strides) == ((5, 7, 7), (2, 2, 2))
    everywhere = inflated(i3d_3x1x1(resnet50, inflate="all"))
    assert {stage: len(blocks) for stage, blocks in everywhere.items()} == {2: 3, 3: 4, 4: 6, 5: 3}


def test_the_slow_pathway_alone(resnet50):
    blocks = {4: (1, 2, 3, 4, 5, 6), 5: (1, 2, 3)}
    grafts = i3d_3x1x1(resnet50, blocks, stem_frames=1, early_stride=1, pool=False)
    assert inflated(grafts) == {4: [1, 2, 3, 4, 5, 6], 5: [1, 2, 3]}
    assert len(grafts) == 9


@pytest.mark.parametrize(
    ("options", "halved"),
    [
        ({}, ["conv1_conv", "pool1_pool", "conv2_block3"]),
        ({"early_stride": 1}, ["conv2_block3"]),
        ({"early_stride": 1, "pool": False}, []),
        ({"temporal_pooling": True}, ["conv2_block3", "conv3_block4", "conv4_block6"]),
    ],
)
def test_where_frames_are_halved(options, halved, resnet50):
    grafts = i3d_3x1x1(resnet50, **options)
    strided = [g for g in grafts if isinstance(g.layer, InflatedConv) and g.layer.strides[0] == 2]
    strided += [g for g in grafts if isinstance(g.layer, FrameStride)]
    pooled = [g for g in grafts if g.layer.name.endswith("_temporal_pool")]
    names = [g.site.operation.name for g in strided]
    assert names + [g.layer.name.removesuffix("_temporal_pool") for g in pooled] == halved


def test_32_frames_become_4():
    model = ctm_keras.build_video_model(
        "i3d_3x1x1", "tv_resnet18", 3, num_frames=32, image_size=32, weights=None
    )
    assert model.get_layer("scores_unfold").output.shape == (None, 4, 3)


def test_blocks_that_do_not_exist(resnet50):
    with pytest.raises(ValueError, match="blocks of tv_resnet50, received block 4 in stage 2"):
        i3d_3x1x1(resnet50, {2: (1, 4)})
    with pytest.raises(
        ValueError, match=r"inflate must be 'alternate', 'all' or .* received 'some'"
    ):
        i3d_3x1x1(resnet50, "some")


def test_blocks_of_each_stage_for_nonlocal_blocks():
    model = ctm_keras.build_video_model(
        "nonlocal", "tiny", 3, image_size=64, weights=None, blocks={3: (1,), 4: (1, 3)}
    )
    names = [layer.name for layer in model.layers if layer.name.endswith("_nonlocal")]
    assert names == ["conv3_block1_nonlocal", "conv4_block1_nonlocal", "conv4_block3_nonlocal"]
