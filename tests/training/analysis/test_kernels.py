"""Kernels of TCC over the image grid: each weight is at its own position."""

import keras
import numpy as np
import pytest

import ctm_keras
from training.analysis.kernels import differences, draw_all, draw_kernels, summary, tcc_kernels
from training.analysis.views import view_importances


def test_a_weight_acts_where_and_when_its_map_says():
    inputs = keras.Input((4, 5, 6, 3))
    model = keras.Model(inputs, ctm_keras.TCC(name="tcc")(inputs))
    (kernels,) = tcc_kernels(model).values()
    assert kernels.shape == (3, 3, 5, 6)
    clip = np.zeros((1, 4, 5, 6, 3), np.float32)
    clip[0, 1, 2, 3, 1] = 1.0  # frame 1, row 2, column 3, channel 1
    seen = np.array(model(clip))[0]
    assert seen[2, 2, 3, 1] == kernels[0, 1, 2, 3]  # for the next frame, it is the previous frame
    assert seen[1, 2, 3, 0] == kernels[1, 2, 2, 3]  # for channel 0, it is the next channel
    assert np.count_nonzero(seen) == 9


def test_a_picture_of_each_layer(trained, tmp_path):
    pictures = [tmp_path / "out" / f"run-conv4_block{i}_ctm.png" for i in (1, 2, 3)]
    lines = list(draw_all([trained.path], tmp_path / "out"))
    for line, path in zip(lines, pictures, strict=True):
        assert line.startswith(f"Written: {path} ")
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_runs_with_the_same_folder_name_are_refused(trained, tmp_path):
    other = tmp_path / trained.path.name
    for pictures_of in (draw_all, view_importances):
        with pytest.raises(ValueError, match=r"would both write pictures named run\. Analyze one"):
            list(pictures_of([trained.path, other], tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_only_what_differs_between_positions_is_drawn():
    kernels = np.random.default_rng(0).normal(size=(3, 3, 1, 1)) * np.ones((4, 5), np.float32)
    assert not differences(kernels.astype(np.float32)).any()
    assert "same kernel" in summary(kernels.astype(np.float32))
    kernels[1, 2, 3, 4] += 0.2
    shown = differences(kernels)
    assert np.flatnonzero(np.abs(shown).max(axis=(2, 3))).tolist() == [5]  # row 1, column 2
    assert shown[1, 2, 3, 4] == pytest.approx(0.2 * 19 / 20)
    assert f"{0.19 / np.abs(kernels).max():.1%}" in summary(kernels)


def test_kernels_that_are_all_zero_can_be_drawn(tmp_path):
    draw_kernels(np.zeros((3, 3, 4, 4)), "zero", tmp_path / "zero.png")
    assert (tmp_path / "zero.png").stat().st_size > 5000


def test_a_model_without_tcc_is_refused():
    model = ctm_keras.build_video_model("tsn", "tiny", 3, image_size=32, weights=None)
    with pytest.raises(ValueError, match="no TCC layers"):
        tcc_kernels(model)
