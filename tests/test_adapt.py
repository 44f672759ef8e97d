"""`just adapt`: a trained network and music without labels, from the command line to its report."""

import logging
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import torch
from accelerate import Accelerator
from conftest import SONGS, small_config

import eval
from evaluation.listener import shards_of
from evaluation.notes import trained_notes
from model.checkpoint import load_checkpoint
from settings.config import ConfigError, load_config
from shards.library import library
from songkey.audio import to_int16
from songs import synthetic
from study import adapt as program
from study import default
from study.labelled import labelled
from training.adaptation import Adapted, adapt, adapting, look_at_start
from training.learner import LearnerError
from training.loop import Training
from training.run_checkpoints import RunError
from training.teacher import Targets, Teacher

QUICK = (
    "adapt.least_seconds=5.0", "adapt.epochs=2", "adapt.steps_per_epoch=4", "adapt.batch_size=8",
    "adapt.renew_every_steps=3", "adapt.confidence=0.0", "stream.workers=0",
)  # fmt: skip


@pytest.fixture(scope="module")
def music(tmp_path_factory) -> Path:
    """A folder of eight songs of three intervals, in no order of keys, and a file that is none."""
    folder = tmp_path_factory.mktemp("music")
    for number in range(8):
        song = synthetic.song_of(11, number, 12.0)
        soundfile.write(folder / f"{number}.wav", synthetic.render(song.audio_path, 11025), 11025)
    (folder / "letter.mp3").write_bytes(b"dear listener")
    return folder


def words(packed: Path, tmp_path: Path, *more: str) -> list[str]:
    """A command line of settings with runs and levels in `tmp_path`, shards in `packed`."""
    places = (f'train.runs_dir="{tmp_path}/runs"', f'adapt.dir="{tmp_path}/kept"')
    given = [word for one in (*QUICK, *places, *more) for word in ("--set", one)]
    return [*given, "--set", f'prepare.shards_dir="{packed}/shards"']


def adapted(packed, tmp_path, trained, music, name: str, *overrides: str) -> Adapted:
    """What came of an adaptation of the run `trained`, in this process."""
    config = adapting(small_config(packed, *QUICK, *overrides))
    found = library(str(music), config, 5.0, tmp_path / "kept")
    start = load_checkpoint(trained / "checkpoints/best.safetensors")
    config, source = labelled(config, start.state["fixed"]["shards"])
    return adapt(config, tmp_path / name, start, found, source)


def test_it_adapts_beside_the_run_s_shards_and_says_what_came_of_it(
    called, packed, trained, music, tmp_path, caplog
):
    caplog.set_level(logging.INFO)
    line = [music, "--from", trained, *words(packed, tmp_path, "adapt.tolerance=100.0")]
    done = called(program.main, *line)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs/trained-adapted"
    start, best = (load_checkpoint(f) for f in (
        folder / "start.safetensors", folder / "checkpoints/best.safetensors"
    ))  # fmt: skip
    before = best.state["progress"]["start"]
    assert f"valid songs, weighted: {before:.1f} before; after each epoch " in done.stdout
    assert "intervals without labels that are sure, of 24: 24 before, 24 after" in done.stdout
    assert "answered otherwise than before: " in done.stdout and " of 8 (" in done.stdout
    assert "best is epoch " in done.stdout and "warning" not in done.stdout
    assert "1 not audio (letter.mp3)" in caplog.text
    assert "before adaptation: mirex " in caplog.text
    of_run = load_checkpoint(trained / "checkpoints/best.safetensors")
    assert all(torch.equal(start.model[n], tensor) for n, tensor in of_run.model.items())
    assert any(not torch.equal(best.model[n], tensor) for n, tensor in of_run.model.items())
    assert load_checkpoint(folder / "checkpoints/last.safetensors").state["progress"]["epoch"] == 2
    assert (folder / "checkpoints/best.onnx").is_file()
    # With everything done, the same command says the same, and another start is refused.
    assert called(program.main, *line).stdout == done.stdout
    first = trained / "checkpoints/epoch-0001.safetensors"
    other = called(program.main, music, "--from", first, *line[3:])
    assert other.returncode == 1 and "did not begin with the weights of" in other.stderr


def test_an_interrupted_adaptation_goes_on_with_the_same_command(
    called, packed, trained, music, tmp_path, caplog
):
    class Interrupting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith("epoch 1/"):
                signal.raise_signal(signal.SIGTERM)

    caplog.set_level(logging.INFO)
    line = [music, "--from", trained, "--name", "mine", *words(packed, tmp_path)]
    monitor, handler = logging.getLogger("training.monitor"), Interrupting()
    monitor.addHandler(handler)
    try:
        done = called(program.main, *line)
    finally:
        monitor.removeHandler(handler)
    assert (done.returncode, done.stderr) == (143, "stopped by SIGTERM; the same command goes on\n")
    last = tmp_path / "runs/mine/checkpoints/last.safetensors"
    progress = load_checkpoint(last).state["progress"]
    assert (progress["epoch"], progress["step"]) == (1, 1) and progress["start"] >= 0
    other = called(program.main, *line, "--set", "adapt.weight=0.5")
    assert other.returncode == 1
    assert "cannot go on with other settings (adapt.weight: 1.0 there, 0.5 today)" in other.stderr
    done = called(program.main, *line)
    assert done.returncode == 0, done.stderr
    ended = load_checkpoint(last).state["progress"]
    assert ended["epoch"] == 2 and ended["scores"][:1] == progress["scores"]
    assert ended["start"] == progress["start"]


def test_it_goes_on_where_it_was_stopped_before_the_start_was_scored(
    packed, trained, music, tmp_path, monkeypatch
):
    def interrupt(_: Training) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Training, "answers", interrupt)
        with pytest.raises(KeyboardInterrupt):
            adapted(packed, tmp_path, trained, music, "cut")
    whole = adapted(packed, tmp_path, trained, music, "whole")
    went_on = adapted(packed, tmp_path, trained, music, "cut")
    assert went_on.start == whole.start and went_on.epochs == whole.epochs


def test_where_no_epoch_is_as_good_best_stays_the_start(packed, trained, music, tmp_path):
    config = adapting(small_config(packed, *QUICK))
    teacher = Teacher(library(str(music), config, 5.0, tmp_path / "kept"), config.adapt)
    start = load_checkpoint(trained / "checkpoints/best.safetensors")
    training = Training(config, tmp_path / "run", False, start.path, teacher=teacher)
    look_at_start(training, start)
    training.progress = replace(training.progress, least=101.0)  # out of every epoch's reach
    assert training.run() == training.progress.start
    kept = {path.name for path in (tmp_path / "run/checkpoints").iterdir()}
    assert kept == {"best.safetensors", "best.onnx", "last.safetensors"}
    best = load_checkpoint(tmp_path / "run/checkpoints/best.safetensors")
    assert all(torch.equal(best.model[name], start.model[name]) for name in start.model)


def test_that_no_epoch_was_as_good_is_said_plainly(tmp_path):
    answers = Targets(torch.eye(24), torch.ones(24, dtype=torch.bool), torch.arange(8))
    told = program._told(Adapted(93.1, [90.0, 91.25], 0, answers, answers), tmp_path, 0.5)
    assert "93.1 before; after each epoch 90.0, 91.2" in told
    assert "otherwise than before: 0 of 8 (0%)" in told
    assert "warning: no epoch is within 0.5 points of the start, so best is the network as" in told


def test_music_without_labels_moves_the_answers_for_it(packed, trained, music, tmp_path):
    """Beside the same labelled songs they become surer than those songs alone make them."""
    strong = (
        "adapt.steps_per_epoch=10", "adapt.learning_rate=0.01", "adapt.renew_every_steps=4",
        "adapt.temperature=0.5", "adapt.ema_decay=0.5",
    )  # fmt: skip
    sure = []
    for weight in (0.0, 5.0):
        settings = (*strong, f"adapt.weight={weight}")
        got = adapted(packed, tmp_path, trained, music, f"{weight}", *settings)
        sure += [float(targets.shares.amax(dim=1).mean()) for targets in (got.before, got.after)]
    before, without, before_again, with_music = sure
    assert before == before_again < without < with_music - 0.1


def test_songs_of_the_music_that_validate_or_test_are_told_and_counted_not_refused(
    packed, trained, tmp_path, caplog
):
    folder, config = tmp_path / "music", small_config(packed)
    folder.mkdir()
    table = shards_of(config, config, ("synthetic",), "test").song_table()
    there = {table.song_id(place) for place in range(3)}
    for song in synthetic.songs(SONGS, 10.0, seed=0):
        if song.song_id in there:
            sound = to_int16(synthetic.render(song.audio_path, 11025))
            soundfile.write(folder / f"{song.song_id}.wav", sound, 11025)
    adapted(packed, tmp_path, trained, folder, "run")
    total = len(table)
    assert f"3 of {total} songs that test are heard without labels: synthetic/" in caplog.text
    assert "songs that validate are" not in caplog.text
    last = tmp_path / "run/checkpoints/last.safetensors"
    for checkpoint in (last, _begun_with(last, packed, tmp_path)):
        answers = eval.evaluate(str(checkpoint), config, ("synthetic",), Accelerator(cpu=True))
        assert trained_notes(answers) == [f"3 of {total} songs were heard without labels"]
    assert load_checkpoint(last).trained_songs.unknown == ()


def _begun_with(checkpoint: Path, packed: Path, tmp_path: Path) -> Path:
    """A checkpoint of an ordinary run that began with another's weights."""
    run = tmp_path / "begun"
    Training(small_config(packed), run, False, checkpoint).save("last")
    return run / "checkpoints/last.safetensors"


def test_music_whose_sound_was_not_kept_is_said_to_be_unknown(packed, trained, music, tmp_path):
    found = library(str(music), adapting(small_config(packed, *QUICK)), 5.0, tmp_path / "kept")
    teacher = Teacher(replace(found, identities=()), small_config(packed).adapt)
    assert teacher.songs.unknown == ("the sound is unknown of 8 of 8 songs without labels",)
    assert not len(teacher.songs.unlabelled) and not len(teacher.songs.labelled)


def test_without_the_run_s_shards_made_songs_stand_in(packed, trained, tmp_path, monkeypatch):
    monkeypatch.setattr(default, "VALID_SONGS", 24)
    config = adapting(
        small_config(tmp_path, *QUICK, f'adapt.dir="{tmp_path}/kept"', "stream.format=png")
    )
    changed, source = labelled(config, "0123456789abcdef")
    assert source and source.total == 32 and source.seed == config.datasets.synthetic.seed + 1
    assert changed.prepare.shards_dir == f"{tmp_path}/kept/made-11025-4"
    assert (changed.stream.format, changed.train.datasets) == ("audio", ("synthetic",))
    there = Path(changed.prepare.shards_dir, "audio/synthetic")
    assert (there / "valid").is_dir() and not (there / "train").exists()


def test_a_run_on_made_songs_hears_others_and_is_scored_on_its_own_valid_songs(packed):
    config = adapting(small_config(packed, *QUICK))
    changed, source = labelled(config, "made-3-0-96")
    assert source and source.fingerprint.startswith("made-") and source.seed == 1
    assert changed.prepare.shards_dir == config.prepare.shards_dir


def test_an_epoch_of_shards_is_as_long_as_the_settings_say(packed, trained):
    config = adapting(small_config(packed, *QUICK, "adapt.steps_per_epoch=7"))
    paced, source = labelled(config, "0123456789abcdef")
    assert source is None
    run = Training(paced, packed / "paced", resume=False)
    assert run.data.steps_an_epoch == 7


@pytest.mark.parametrize(
    "override, complaint",
    [
        ("train.epochs=3", "train.epochs: an adaptation has its own; set adapt.epochs instead"),
        ("train.global_batch_size=3", "set adapt.batch_size instead"),
    ],
)
def test_settings_that_an_adaptation_has_of_its_own_are_named(
    called, packed, trained, music, tmp_path, override, complaint
):
    done = called(program.main, music, "--from", trained, *words(packed, tmp_path, override))
    assert done.returncode == 1 and complaint in done.stderr


def test_a_trained_cqt_is_refused():
    with pytest.raises(ConfigError, match=r"cqt.trainable = true: only a network whose CQT is fix"):
        adapting(load_config(None, ["cqt.trainable=true"]))


def test_a_run_of_that_name_that_is_no_adaptation_is_left_alone(packed, trained, music, tmp_path):
    (tmp_path / "taken/checkpoints").mkdir(parents=True)
    (tmp_path / "taken/checkpoints/last.safetensors").write_bytes(b"")
    with pytest.raises(RunError, match=r"taken: this run did not begin with the weights of"):
        adapted(packed, tmp_path, trained, music, "taken")


def test_several_processes_are_refused_in_one_line(packed, trained, music, tmp_path, monkeypatch):
    monkeypatch.setattr(Accelerator, "num_processes", 2)
    with pytest.raises(LearnerError, match=r"2 processes, but music without labels is learnt from"):
        adapted(packed, tmp_path, trained, music, "two")
    assert not (tmp_path / "two").exists()


def test_settings_are_the_run_s_but_for_those_of_adaptation_and_the_command_line(trained):
    start = load_checkpoint(trained / "checkpoints/best.safetensors")
    start.config["adapt"] = {"weight": 7.0}  # of the adaptation that this run was
    config = program._settings(start, ["augment.detune_cents=10.0", *QUICK])
    assert config.model.channels == 8 and config.augment.detune_cents == 10.0
    assert (config.train.epochs, config.train.global_batch_size) == (2, 8)
    assert config.adapt.weight == load_config().adapt.weight
