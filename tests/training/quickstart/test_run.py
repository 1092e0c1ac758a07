"""A small quickstart, and the full one (marked long)."""

import pytest

from training.config.tools import QuickstartConfig
from training.fit.train import train
from training.quickstart import run as module
from training.quickstart.run import quickstart


def test_quickstart_runs_the_whole_workflow(tmp_path, untrained, monkeypatch, capsys):
    """But for the training of TSN, which only guesses anyway."""

    def only_ctm(config):
        return train(config) if config.model == "ctm" else untrained(config)

    monkeypatch.setattr(module, "train", only_ctm)
    monkeypatch.setattr(module, "VIDEOS_PER_CLASS", 10)
    monkeypatch.setattr(module, "EPOCHS", {"tsn": 1, "ctm": 1})
    reports = quickstart(QuickstartConfig(out=tmp_path / "q"))
    out = capsys.readouterr().out
    assert set(reports) == {"tsn", "ctm"}
    assert all(r.coverage == "8 of 8 videos, missing none" for r in reports.values())
    assert "ctm train VIDEOS --out runs/mine" in out
    for name in ("predictions.png", "served/1/saved_model.pb", "ctm/model.keras"):
        assert (tmp_path / "q" / name).is_file()


def test_quickstart_requires_an_empty_folder(tmp_path):
    (tmp_path / "mine").touch()
    with pytest.raises(ValueError, match="--out"):
        quickstart(QuickstartConfig(out=tmp_path))


@pytest.mark.long
def test_ctm_learns_what_tsn_cannot(tmp_path):
    reports = quickstart(QuickstartConfig(out=tmp_path / "q"))
    assert reports["ctm"].top1 > 0.95
    assert reports["tsn"].top1 < 0.4
