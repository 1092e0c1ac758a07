"""What training prints about its mistakes, with a model whose answers are known."""

import shlex

import numpy as np

import tfrecords
from training.batches import validation_clips
from training.commands.parse import parse
from training.config.use import ShowConfig
from training.fit.mistakes import validation_mistakes
from training.use.show import show

NAMES = ["down", "left", "right", "up"]


def clips_of(config):
    return validation_clips(config, batch_size=5)


def always_left(clips, training):
    """Scores that are surer of left the brighter a clip is."""
    assert not training
    brightness = np.asarray(clips, np.float32).mean(axis=(1, 2, 3, 4), keepdims=True)
    return np.eye(4, dtype=np.float32)[1] * brightness.reshape(-1, 1) / 50


def test_the_lines_name_the_surest_mistakes_and_a_command_that_draws_them(
    config, directions, tmp_path
):
    head, *lines, command = validation_mistakes(always_left, clips_of(config), config, NAMES)
    assert head == "Most confident mistakes on val (sure ones are often wrong labels):"
    options = config.clip_options()
    batch = next(iter(tfrecords.clips(directions, "val", with_ids=True, options=options)))
    logits = always_left(batch["clip"], training=False)
    sureness = np.exp(logits[:, 1]) / np.exp(logits).sum(axis=1)
    expected = [
        f"  {video.decode()}: labeled {NAMES[label]}, predicted left ({sure:.3f})"
        for sure, video, label in zip(sureness, batch["id"].numpy(), batch["label"], strict=True)
        if label != 1
    ]
    expected.sort(key=lambda line: -float(line[-6:-1]))
    assert lines == expected[:5]
    program, name, *arguments = shlex.split(command.removeprefix("Look at them: "))
    assert (program, name) == ("ctm", "show")
    out = str(tmp_path / "sheet.png")
    picture = show(parse(ShowConfig, [*arguments, "--out", out], "ctm show"))
    assert picture.stat().st_size > 10_000


def test_without_mistakes_nothing_is_printed(config):
    labels = iter(clips_of(config))

    def right(clips, training):
        return np.eye(4, dtype=np.float32)[next(labels)[1]]

    assert list(validation_mistakes(right, clips_of(config), config, NAMES)) == []


def test_a_model_can_read_several_features(config):
    def features(batch):
        return batch[0], np.eye(4, dtype=np.float32)[batch[1]], batch[1]

    def by_label(inputs, training):
        return 5 - 5 * inputs[1]  # every class but the label

    batches = map(features, clips_of(config))
    assert len(list(validation_mistakes(by_label, batches, config, NAMES))) == 7
