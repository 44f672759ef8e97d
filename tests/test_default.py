"""`just train-default`: from nothing to a network that answers, and on from where it stopped."""

from conftest import settings

from songkey.detector import Detector
from songkey.estimate import AnswerRule
from study import default
from study.default import TEMPERATURE

FEW = ["datasets.synthetic.songs=16", "datasets.synthetic.song_seconds=4.0", "stream.workers=0"]


def test_it_trains_on_made_songs_exports_and_goes_on(called, tmp_path, monkeypatch):
    monkeypatch.setattr(default, "VALID_SONGS", 24)
    output = tmp_path / "mine.onnx"
    words = ["--output", output, *settings(tmp_path, *FEW, "train.schedule=constant")]
    done = called(default.main, *words, "--set", "train.epochs=1")
    assert done.returncode == 0, done.stderr
    first = Detector(output)
    assert first.info.answer == AnswerRule(TEMPERATURE)
    assert (first.info.licence, first.info.provenance["data"]) == (
        "MIT", "16 synthetic songs, version 3",
    )  # fmt: skip
    done = called(default.main, *words, "--set", "train.epochs=2")
    assert done.returncode == 0, done.stderr
    second = Detector(output)
    assert second.info.provenance["checkpoint_sha256"] != first.info.provenance["checkpoint_sha256"]
    assert not list((tmp_path / "shards/audio/synthetic").glob("train"))
