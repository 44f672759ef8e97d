"""`just train-default`: from nothing to a network that answers, and on from where it stopped."""

import signal

from conftest import settings

from songkey.detector import Detector
from songkey.estimate import AnswerRule
from study import default
from study.default import ANSWER
from training.signals import Stopped

FEW = ["datasets.synthetic.songs=16", "datasets.synthetic.song_seconds=4.0", "stream.workers=0"]


def test_it_trains_on_made_songs_exports_and_goes_on(called, tmp_path, monkeypatch):
    monkeypatch.setattr(default, "VALID_SONGS", 24)
    output = tmp_path / "mine.onnx"
    words = ["--output", output, *settings(tmp_path, *FEW, "train.schedule=constant")]
    done = called(default.main, *words, "--set", "train.epochs=1")
    assert done.returncode == 0, done.stderr
    first = Detector(output)
    assert first.info.answer == AnswerRule(**ANSWER)
    assert (first.info.licence, first.info.provenance["data"]) == (
        "MIT", "16 synthetic songs, version 3",
    )  # fmt: skip
    done = called(default.main, *words, "--set", "train.epochs=2")
    assert done.returncode == 0, done.stderr
    second = Detector(output)
    assert second.info.provenance["checkpoint_sha256"] != first.info.provenance["checkpoint_sha256"]
    assert not list((tmp_path / "shards/audio/synthetic").glob("train"))


def test_a_stop_is_one_line_and_the_exit_code_of_its_signal(called, tmp_path, monkeypatch):
    def stopped(*_):
        raise Stopped(signal.SIGTERM)

    monkeypatch.setattr(default, "train", stopped)
    done = called(default.main, "--output", tmp_path / "mine.onnx", *settings(tmp_path, *FEW))
    assert (done.returncode, done.stdout) == (143, "")
    assert done.stderr == "stopped by SIGTERM; the same command goes on\n"
    assert not (tmp_path / "mine.onnx").exists()
