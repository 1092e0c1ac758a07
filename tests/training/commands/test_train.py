"""Which recipe `ctm train` chooses, and what it does with a folder of videos."""

import dataclasses

import pytest

import ctm_keras
import tfrecords
from training import recipes
from training.commands import runs, train
from training.commands.parse import parse
from training.config.train import TrainConfig
from training.fit.resolve import resolve
from training.quickstart.videos import write_direction_videos
from training.recipes import small
from training.run_folder import Run


def parsed(data, *arguments, requested=False):
    """The options of a command line with a data set."""
    return train.parse_train(TrainConfig, ["--data", str(data), *arguments], requested)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files of a TSN and of a CTM."""
    folder = tmp_path_factory.mktemp("files")
    for method in ("tsn", "ctm"):
        ctm_keras.build_video_model(method, "tiny", 4, 4, 32, weights=None).save(
            folder / f"{method}.keras"
        )
    return folder


def test_few_videos_get_the_recipe_small(directions, capsys):
    config = parsed(directions)
    assert config.recipe == "small"
    assert (config.backbone, config.image_size, config.freeze) == ("mobilenetv2", 160, "backbone")
    assert config.options == ("stages=head", "reduction=16")
    said = capsys.readouterr().out
    assert said.startswith("Recipe: small, for 36 training videos, fewer than 2,000.")
    assert "--recipe ctm_mini_kinetics" in said


def test_a_run_has_at_least_250_steps_and_40_epochs(directions):
    assert small.epochs(videos=320, batch_size=16) == 40  # 800 steps
    assert small.epochs(videos=100, batch_size=16) == 42  # 252 steps
    config = parsed(directions)
    assert config.epochs == 125  # of two steps of 16 clips of 36 videos
    assert parsed(directions, "--batch-size", "8").epochs == 63
    assert parsed(directions, "--folds", "2").epochs == 250  # 24 of 48 videos, a step


def test_a_batch_has_at_most_the_videos(directions):
    assert parsed(directions, "--train-split", "val").batch_size == 12


def test_options_that_are_given_win(directions):
    config = parsed(directions, "--epochs", "3", "--image-size", "96", "--options", "reduction=8")
    assert (config.epochs, config.image_size) == (3, 96)
    assert config.options == ("stages=head", "reduction=8")
    assert parsed(directions, "--options", "stages=4").options == ("stages=4",)
    assert parsed(directions, "--model", "tsn").options == ()
    assert parsed(directions, "--model", "tsm").options == ("stages=head",)


def test_another_optimizer_has_its_own_rate(directions):
    config = parsed(directions, "--optimizer", "sgd", "--weight-decay", "0.1")
    own = {"learning_rate": 0.02 * 16 / 96, "momentum": 0.9, "weight_decay": 0.1}
    assert config.of_optimizer == pytest.approx(own)
    assert config.schedule == "cosine"
    assert parsed(directions).rate == 3e-3
    recipe = recipes.read("stm_something_v1")
    other = parse(TrainConfig, ["--optimizer", "adamw"], "ctm train", default=recipe)
    assert other.of_optimizer == {"learning_rate": 1e-3, "weight_decay": 0.01}


def test_augmentations_that_need_new_clips_switch_off_the_cache(directions):
    assert parsed(directions, "--augment", "mvit").cached_clips == 0
    assert parsed(directions, "--augment", "mvit", "--cached-clips", "2").cached_clips == 2
    assert parsed(directions, "--augment", "tsn").cached_clips == 8


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--backbone", "resnet50"], "since --backbone is given"),
        (["--weights", "none"], "since no trained weights could be frozen"),
        (["--workers", "a:1,b:1"], "since it trains on several machines"),
        (["--model", "i3d"], "since i3d has no layer for the features of a frozen model"),
        (["--weights", "ctm.keras"], "since --weights is not a TSN"),
    ],
)
def test_options_that_call_for_the_papers_recipe(
    arguments, why, directions, files, capsys, monkeypatch
):
    monkeypatch.chdir(files)
    config = parsed(directions, *arguments)
    assert (config.recipe, config.freeze, config.epochs) == (None, None, 60)
    said = capsys.readouterr().out
    assert f"Recipe: the CTM paper's, {why}" in said
    assert ("--recipe small" in said) == (why == "since --backbone is given")  # it would fail


def test_a_network_that_cannot_be_frozen_gets_no_advice_to_freeze_it(directions):
    for backbone, model in (("tiny", "ctm"), ("resnet50", "slowfast")):
        given = TrainConfig(data=directions, backbone=backbone, model=model)
        assert "--recipe small" not in str(train.choose(given, requested=False, origin=None))


@pytest.mark.parametrize(
    ("model", "learns"),
    [
        ("ctm", "a temporal block (ctm) and the classifier"),
        ("tsm+nonlocal", "a temporal block (tsm+nonlocal) and the classifier"),
        ("tsn", "the classifier"),
        ("tsm", "the classifier"),
    ],
)
def test_the_recipe_says_what_learns(model, learns):
    given = TrainConfig(model=model)
    said = str(train._small(small.CONFIG, "as requested", given, None))
    assert f" It trains {learns} on the features of a frozen mobilenetv2." in said


def test_several_machines_read_no_weights_before_they_connect(directions, files, monkeypatch):
    monkeypatch.setattr(train, "saved_model", lambda weights: pytest.fail("read too early"))
    for requested in (False, True):
        weights = str(files / "tsn.keras")
        parsed(directions, "--weights", weights, "--workers", "a:1,b:1", requested=requested)


def test_many_videos_get_the_papers_recipe(directions, capsys, monkeypatch):
    monkeypatch.setattr(train, "FEW", 36)
    assert parsed(directions).recipe is None
    assert "Recipe: the CTM paper's, for 36 training videos" in capsys.readouterr().out
    assert parsed(directions, requested=True).recipe == "small"


def test_the_backbone_is_that_of_the_weights(directions, files):
    config = parsed(directions, "--weights", str(files / "tsn.keras"))
    assert (config.recipe, config.backbone) == ("small", "tiny")


@pytest.fixture(scope="module")
def video_model(files, shallow):
    """A TSM as published ones are: with options, and how its clips are made."""
    view = {"sampling": "segments", "interval": 4}
    options = {"fold_div": 4, "every": 1}
    options |= {"num_frames": 4, "image_size": 32, "weights": None, "view": view}
    with shallow():
        ctm_keras.build_video_model("tsm", "tiny", 10, **options).save(files / "tsm.keras")
    return str(files / "tsm.keras")


def network_of(config):
    return (config.model, config.backbone, config.image_size, config.sampling, config.interval)


def test_network_and_clips_are_those_of_a_video_model(directions, video_model):
    config = parsed(directions, "--weights", video_model)
    assert (config.recipe, config.freeze, config.folder.name) == (None, None, "data-tsm")
    assert network_of(config) == ("tsm", "tiny", 32, "segments", 4)

    config = parsed(directions, "--weights", video_model, "--interval", "2")
    assert network_of(config) == ("tsm", "tiny", 32, "segments", 2)
    config = parsed(directions, "--weights", video_model, "--model", "ctm", "--backbone", "tiny")
    assert network_of(config) == ("ctm", "tiny", 224, "dense", 8)


def test_small_on_a_video_model_keeps_its_layers(directions, video_model, tmp_path, capsys):
    arguments = ["--weights", video_model, "--out", str(tmp_path / "run"), "--image-size", "32"]
    config = parsed(directions, *arguments, requested=True)
    assert network_of(config) == ("tsm", "tiny", 32, "segments", 4)
    assert (config.recipe, config.freeze, config.cached_clips) == ("small", "backbone", 8)
    assert config.options == ()
    assert "trains the temporal layers and the classifier on" in capsys.readouterr().out
    first, facts = resolve(config)
    assert (first.options, first.num_frames) == (("fold_div=4", "every=1"), 4)
    Run.create(first, facts)
    assert resolve(parsed(directions, *arguments))[0] == first  # the run keeps its recipe


def test_a_gpu_gets_a_larger_backbone(directions, monkeypatch):
    monkeypatch.setattr(train, "_has_gpu", lambda: True)
    assert parsed(directions).backbone == "resnet50"
    assert parsed(directions, "--devices", "cpu").backbone == "mobilenetv2"


def test_a_run_keeps_its_recipe_on_any_machine(directions, files, tmp_path, monkeypatch):
    arguments = ["--out", str(tmp_path / "run"), "--weights", str(files / "tsn.keras")]
    first, facts = resolve(parsed(directions, *arguments))
    Run.create(first, facts)
    monkeypatch.setattr(train, "_has_gpu", lambda: True)
    monkeypatch.setattr(train, "FEW", 1)
    assert resolve(parsed(directions, *arguments))[0] == first


def test_a_run_of_another_recipe_keeps_it(directions, tmp_path, small):
    config = dataclasses.replace(small, data=directions, out=tmp_path / "run")
    Run.create(*resolve(config))
    assert parsed(directions, "--out", str(tmp_path / "run")).recipe is None


def test_videos_are_built_beside_the_run(directions, tmp_path):
    videos, out = directions.parent / "videos", tmp_path / "run"
    config = train.parse_train(TrainConfig, [str(videos), "--out", str(out)])
    assert config.dataset == tmp_path / "run-data"
    assert tfrecords.read_manifest(config.dataset).class_names == ("down", "left", "right", "up")
    again = train.parse_train(TrainConfig, [str(videos), "--out", str(out)])
    assert (again, again.videos) == (config, None)


@pytest.mark.parametrize(
    ("arguments", "message", "requested"),
    [
        (["--folds", "1"], "--folds must be 2 or more, received 1.", False),
        (["--optimizer", "adamw", "--momentum", "0.9"], "--momentum requires --opt", False),
        (["--momentum", "0.9"], "--momentum requires --optimizer sgd, received --opt", True),
        (["--weights", "runs/no.keras"], "--weights must be imagenet, none, .* is missing", False),
    ],
)
def test_invalid_values_are_refused_before_anything_is_built(
    arguments, message, requested, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(tfrecords, "build", lambda *_: pytest.fail("built too early"))
    with pytest.raises(ValueError, match=message):
        train.parse_train(TrainConfig, [str(tmp_path), *arguments], requested)
    assert capsys.readouterr().out == ""


def test_a_build_with_many_failures_says_how_to_allow_them(tmp_path, capsys):
    videos, out = tmp_path / "videos", tmp_path / "run"
    write_direction_videos(videos, 3)
    for video in ("down", "left"):  # two of twelve
        next((videos / video).iterdir()).write_bytes(b"")
    command = [str(videos), "--out", str(out)]
    with pytest.raises(ValueError, match="To allow more, run `ctm build ") as stopped:
        train.parse_train(TrainConfig, command)
    assert "Data set:" not in capsys.readouterr().out
    advice = str(stopped.value).split("`")[1].removeprefix("ctm build ").split()
    parse(tfrecords.build, advice, "ctm build")
    assert train.parse_train(TrainConfig, command).dataset == tmp_path / "run-data"


def test_a_data_set_may_stand_for_videos(directions):
    config = train.parse_train(TrainConfig, [str(directions)])
    assert config.dataset == directions
    assert config.folder.name == "data-ctm"


def test_videos_and_data(directions):
    with pytest.raises(ValueError, match="Give either VIDEOS or --data, received videos and"):
        parsed(directions, "videos")


def test_a_resumed_run_has_no_choice(tmp_path, capsys):
    assert train.parse_train(TrainConfig, ["--resume", str(tmp_path)]).resume == tmp_path
    assert capsys.readouterr().out == ""


def test_a_papers_recipe_takes_videos_too(directions, small, monkeypatch):
    found = []
    monkeypatch.setattr("training.fit.folds.cross_validate", found.append)
    runs.train(TrainConfig(videos=directions, recipe="stm_jester", folds=2))
    assert (found[0].videos, found[0].data) == (None, str(directions))
