"""Phi and Psi, compared with the authors' 288 published results and the paper's Table 8."""

import csv
from pathlib import Path

import pytest

from training.analysis.contribution import (
    Result,
    mean_contributions,
    spatial_contribution,
    temporal_improvement,
)

PUBLISHED = Path(__file__).parent / "published" / "mini_datasets.csv"

# Phi, Psi without and Psi with temporal pooling. They round to the paper's Table 8, in which the
# columns I3D and S3D of the first two figures are exchanged.
TABLE_8 = {
    "mini-ssv2": {
        "i3d": (0.533, 0.447, 0.382),
        "s3d": (0.526, 0.460, 0.380),
        "tam": (0.518, 0.474, 0.374),
    },
    "mini-kinetics": {
        "i3d": (0.965, 0.079, -0.084),
        "s3d": (0.971, 0.061, -0.095),
        "tam": (0.963, 0.090, -0.123),
    },
    "mini-mit": {
        "i3d": (0.913, 0.029, 0.022),
        "s3d": (0.889, 0.037, 0.019),
        "tam": (0.872, 0.044, 0.037),
    },
}


def published(dataset):
    with open(PUBLISHED, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["dataset"] == dataset:
                yield Result(
                    row["method"],
                    row["backbone"],
                    int(row["frames"]),
                    row["pooling"] == "1",
                    float(row["top1"]) / 100,
                )


@pytest.mark.parametrize("dataset", TABLE_8)
def test_the_published_results_give_the_papers_table_8(dataset):
    found = mean_contributions(published(dataset))
    assert set(found) == {"i3d", "s3d", "tam"}
    for method, expected in TABLE_8[dataset].items():
        own = found[method]
        assert own.networks == (12, 12)
        assert (own.spatial, own.temporal, own.pooled) == pytest.approx(expected, abs=6e-4)


def test_the_papers_example_of_figure_7():
    assert temporal_improvement(0.716, 0.368) == pytest.approx(0.551, abs=5e-4)
    assert spatial_contribution(0.716, 0.368) == pytest.approx(0.368 / 0.716)


def test_a_model_below_tsn_has_phi_one_and_negative_psi():
    assert spatial_contribution(0.3, 0.6) == 1.0
    assert temporal_improvement(0.3, 0.6) == pytest.approx(-0.75)


def test_a_method_without_pooled_networks_has_no_pooled_mean():
    results = [Result("tsn", "tiny", 8, False, 0.5), Result("ctm", "tiny", 8, False, 0.75)]
    own = mean_contributions(results)["ctm"]
    assert (own.spatial, own.temporal, own.pooled) == (pytest.approx(2 / 3), 0.5, None)
    assert own.networks == (1, 0)


def test_a_network_without_its_tsn_is_refused():
    with pytest.raises(ValueError, match="ctm on tiny with 16 frames has no tsn"):
        mean_contributions(
            [Result("tsn", "tiny", 8, False, 0.5), Result("ctm", "tiny", 16, False, 0.5)]
        )


def test_a_network_given_twice_is_refused():
    with pytest.raises(ValueError, match=r"must appear once, received tsn .* twice"):
        mean_contributions([Result("tsn", "tiny", 8, False, 0.5)] * 2)


@pytest.mark.parametrize("top1", [-0.1, 71.6, float("nan")])
def test_percents_are_refused(top1):
    with pytest.raises(ValueError, match="must be between 0 and 1"):
        temporal_improvement(top1, 0.368)


def test_a_perfect_tsn_leaves_nothing_to_improve():
    with pytest.raises(ValueError, match="makes no error"):
        temporal_improvement(1.0, 1.0)


def test_two_accuracies_of_zero_are_refused():
    with pytest.raises(ValueError, match="One accuracy must be above 0"):
        spatial_contribution(0.0, 0.0)
