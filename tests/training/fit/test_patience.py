"""Runs that stop when the validation top-1 does not become better, and what they remember."""

import shutil

import keras
import pytest
import tensorflow as tf

import ctm_keras
from training.batches import validation_clips
from training.evaluate.evaluate import evaluate
from training.fit.loop import Loop
from training.fit.mistakes import validation_mistakes
from training.fit.state import State
from training.fit.train import train
from training.fit.weight_averages import Averages
from training.run_folder import Run


def test_a_run_without_a_better_score_ends_with_its_best_model(config, change, monkeypatch, capsys):
    def train_epoch(self, epoch, *_):
        self.step.model.weights[0].assign_add(self.step.model.weights[0])
        return {"loss": 1.0}

    scores = iter([0.5, 0.5])
    monkeypatch.setattr(Loop, "train_epoch", train_epoch)
    monkeypatch.setattr(Loop, "validate", lambda *_: {"val_top1": next(scores)})
    config = change(config, model="tsn", epochs=3, patience=1)
    run = train(config)
    printed = capsys.readouterr().out
    assert "Finished after epoch 2: no better top-1 within --patience 1." in printed
    names, clips = run.facts.class_names, validation_clips(config)
    mistakes = list(validation_mistakes(run.load_model("best"), clips, config, names))
    assert "\n".join(mistakes) in printed
    last = keras.saving.load_model(run.last)
    assert mistakes != list(validation_mistakes(last, clips, config, names))
    assert run.model.read_bytes() == run.best.read_bytes() != run.last.read_bytes()
    run.model.unlink()
    train(config)  # the same command again
    printed = capsys.readouterr().out
    assert "Finished after epoch 2" in printed
    assert "Resuming" not in printed
    assert run.model.read_bytes() == run.best.read_bytes()


@pytest.mark.long
def test_its_report_says_that_the_model_was_chosen(trained, tmp_path):
    facts = trained.read()
    facts["config"]["patience"] = 1
    run = Run(shutil.copytree(trained.path, tmp_path / "run"))
    run.write(facts)
    report = evaluate(run.path, num_clips=1, num_crops=1, average="logits")
    assert "model: the best on the validation split" in str(report)


@pytest.fixture
def state_in(tmp_path):
    def state_in(folder: str, patience: int | None = None) -> State:
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
        model.compile(ctm_keras.SGD(0.1))
        model.optimizer.build(model.trainable_variables)
        averages = Averages(model, tf.distribute.get_strategy(), 0.0)
        return State(model, model.optimizer, averages, tmp_path / folder, patience=patience)

    return state_in


def test_the_epochs_without_a_better_score_are_part_of_the_state(state_in):
    state = state_in("run", patience=2)
    assert [state.note(top1) for top1 in (0.2, 0.3, 0.3)] == [True, True, False]
    assert not state.out_of_patience
    state.save(3, 0)
    resumed = state_in("run", patience=2)
    assert resumed.restore() == (3, 0)
    assert not resumed.note(0.1)
    assert resumed.out_of_patience
    assert resumed.note(0.4)
    assert not resumed.out_of_patience


def test_a_state_without_the_count_is_restored(state_in):
    """As an older version wrote it."""
    older = state_in("run")
    older.note(0.5)
    older.save(1, 0)
    assert not any("waited" in name for name, _ in tf.train.list_variables(older.manager.directory))
    resumed = state_in("run")
    assert resumed.restore() == (1, 0)
    assert float(resumed.best) == 0.5
