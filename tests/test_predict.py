"""Laws of prediction: it hears as training does, answers what it can, names what it cannot."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from accelerate import Accelerator
from conftest import SONGS, small_config

import eval
import predict
from evaluation.export import export
from model.run_folder import resolve
from songkey import detector as detection
from songkey.audio import to_int16
from songkey.detector import Detector
from songkey.keys import KEYS, parse_key
from songs import synthetic

RATE = 11_025  # of the small settings
COLUMNS = "key          Camelot   conf.  next candidates"


def assert_alike(one, other, tolerance: float) -> None:
    assert one.probabilities == pytest.approx(other.probabilities, abs=tolerance)


@pytest.fixture(scope="module")
def detector(trained) -> Detector:
    """The network that the end of training has exported."""
    return Detector(resolve(trained).with_suffix(".onnx"))


@pytest.fixture(scope="module")
def song() -> np.ndarray:
    """Ten seconds of music at 44.1 kHz, float32 (S,)."""
    one = synthetic.songs(1, 10.0, seed=7)[0]
    return 0.5 * synthetic.render(one.audio_path, 44_100)


@pytest.fixture
def write(tmp_path):
    """Writes a file of sound and gives its path."""

    def write(name: str, waveform: np.ndarray, rate: int = 44_100, subtype: str | None = None):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, waveform, rate, subtype)
        return path

    return write


def test_a_file_is_answered_as_its_song_is_in_evaluation(detector, trained, packed, write):
    config = small_config(packed)
    answers = eval.evaluate(str(trained), config, ("synthetic",), Accelerator(cpu=True))
    seconds = config.datasets.synthetic.song_seconds
    paths = {one.song_id: one.audio_path for one in synthetic.songs(SONGS, seconds, 0)}
    for answer in answers.songs[:3]:
        sound = to_int16(synthetic.render(paths[answer.song_id], RATE))
        assert_alike(detector.estimate(write("a.wav", sound, RATE)), answer.estimate, 1e-4)


def test_sample_rate_channels_and_volume_do_not_change_the_answer(detector, song, write):
    expected = detector.estimate(write("a.wav", song, subtype="FLOAT"))
    slow, fast = (soxr.resample(song, 44_100, rate) for rate in (8_000, 192_000))
    files = [
        write("8 kHz mono.wav", slow, 8_000, "FLOAT"),
        write("192 kHz 6 channels.wav", np.tile(fast[:, None], 6), 192_000, "FLOAT"),
        write("softer.wav", 0.1 * song, subtype="FLOAT"),
        write("a.flac", song, subtype="PCM_24"),
    ]
    for file in files:
        assert_alike(detector.estimate(file), expected, 0.001)


def test_a_song_said_many_times_over_has_the_same_answer(detector, write):
    interval = synthetic.render(synthetic.songs(1, 4.0, seed=3)[0].audio_path, RATE)
    once = detector.estimate(write("once.wav", interval, RATE))
    many = detector.estimate(
        write("many.wav", np.tile(interval, 2 * detection.BATCH_INTERVALS + 1), RATE)
    )
    assert_alike(many, once, 1e-5)


def test_a_second_of_music_is_enough_for_an_answer(detector, song, write):
    estimate = detector.estimate(write("short.wav", song[:44_100]))
    assert sum(estimate.probabilities) == pytest.approx(1) and estimate.key in KEYS


@pytest.mark.parametrize("semitones", [-4, 1, 3])
def test_music_played_higher_turns_the_answers_by_as_much(detector, semitones):
    """From the sound to the logits; few tones in the middle, so that no edge is heard."""

    def logits(shift: int) -> np.ndarray:
        hertz = 440 * 2 ** ((np.array([-6, -2, 1]) + shift) / 12)  # (3,)
        phase = 2 * np.pi * hertz[:, None] * np.arange(4 * RATE) / RATE
        estimate = detector.estimate(np.sin(phase).mean(axis=0), RATE)
        return np.log(estimate.probabilities)  # but for a constant: (24,)

    here, there = logits(0), logits(semitones)
    turned = np.stack([here[key.transpose(-semitones).id] for key in KEYS])
    assert np.linalg.norm(there - turned) < 0.2 * np.linalg.norm(turned - here)


def test_the_table_has_key_camelot_confidence_and_two_more_candidates(called, trained, song, write):
    path = write("My music/Чайковский – 白鳥の湖.flac", song)
    done = called(predict.main, "--checkpoint", trained, path)
    assert (done.returncode, done.stderr) == (0, "")
    header, line = done.stdout.splitlines()
    assert header.startswith(COLUMNS) and header.endswith(" path") and line.endswith(f" {path}")
    tonic, mode, camelot, confidence, *rest = line.removesuffix(str(path)).split()
    key = parse_key(f"{tonic} {mode}")
    others = [parse_key(" ".join(rest[at : at + 2])) for at in (0, 3)]
    assert parse_key(camelot) == key and len({key, *others}) == 3
    shares = [float(share.rstrip("%,")) for share in (confidence, rest[2], rest[5])]
    assert shares[0] + 0.5 >= shares[1] >= shares[2] and sum(shares) <= 101  # all are rounded


def test_json_says_the_same_in_more_digits(called, trained, detector, song, write):
    path = write("a b/白鳥.wav", song)
    done = called(predict.main, "--checkpoint", trained, path, "--json")
    (found,) = json.loads(done.stdout)
    estimate = detector.estimate(path)
    assert (found["path"], found["key"]) == (str(path), str(estimate.key))
    assert parse_key(found["camelot"]) == parse_key(found["open_key"]) == estimate.key
    assert found["confidence"] == pytest.approx(estimate.confidence, abs=1e-4)
    assert [one["key"] for one in found["candidates"]] == [
        str(k) for k, _ in estimate.candidates(3)
    ]
    assert "白鳥" in done.stdout


def test_below_the_threshold_the_table_says_so_and_names_the_best_as_a_candidate(
    called, trained, detector, song, write, tmp_path
):
    path, unsure = write("a.wav", song), tmp_path / "unsure.onnx"
    export(resolve(trained), unsure, {"clear_threshold": 0.999})
    line = called(predict.main, "--model", unsure, path).stdout.splitlines()[1]
    (best, share), _ = detector.estimate(path).candidates(2)
    assert line.startswith("no clear key -  ") and f"{best} {share:.0%}, " in line
    (found,) = json.loads(called(predict.main, "--model", unsure, path, "--json").stdout)
    assert (found["clear"], found["key"]) == (False, str(best))
    assert detector.estimate(path).is_clear


def test_who_knows_that_the_music_is_in_minor_says_so(called, trained, song, write):
    asked = ["--checkpoint", trained, "--json", write("a.wav", song)]
    for prior, mode in (("0.000001", "major"), ("0.999999", "minor")):
        (found,) = json.loads(called(predict.main, *asked, "--minor-prior", prior).stdout)
        assert found["key"].endswith(mode)
    done = called(predict.main, *asked, "--minor-prior", "85")
    assert done.returncode == 1 and "minor prior 85.0: give a share between" in done.stderr


def test_a_folder_means_its_audio_files_in_order(called, trained, song, write, tmp_path):
    names = ["b/two.FLAC", "a.wav", "b/deep er/three.ogg", ".hidden/four.wav"]
    for name in names:
        write(name, song[:44_100])
    (tmp_path / "b" / "cover.jpg").write_bytes(b"no music")
    done = called(predict.main, "--checkpoint", trained, "--json", tmp_path / "b", tmp_path)
    paths = [str(Path(found["path"]).relative_to(tmp_path)) for found in json.loads(done.stdout)]
    inside = ["b/deep er/three.ogg", "b/two.FLAC"]
    assert paths == [*inside, "a.wav", *inside]


@pytest.fixture
def bad_files(song, write, tmp_path) -> dict[str, Path]:
    """Files without a key, by what is said of them."""
    files = {"not audio": tmp_path / "page.mp3", "empty file": tmp_path / "empty.wav"}
    files["not audio"].write_bytes(b"<html>404</html>" * 100)
    files["empty file"].touch()
    files["silent"] = write("silent.flac", np.zeros(44_100))
    files["no sound"] = write("zero seconds.wav", np.zeros(0))
    files["not finite"] = write("nan.wav", np.append(song, np.nan), subtype="FLOAT")
    files["truncated"] = write("half.flac", song)
    whole = files["truncated"].read_bytes()
    files["truncated"].write_bytes(whole[: len(whole) // 2])
    files["file not found"] = tmp_path / "gone.wav"
    return files


@pytest.mark.parametrize("form", ["--json", "table"])
def test_files_without_a_key_are_named_and_the_others_answered(
    called, trained, song, write, bad_files, form
):
    good = [write("first.wav", song), write("last.wav", song)]
    arguments = [good[0], *bad_files.values(), good[1], *["--json"] * (form == "--json")]
    done = called(predict.main, "--checkpoint", trained, *arguments)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    *lines, last = done.stderr.splitlines()
    for line, (reason, path) in zip(lines, bad_files.items(), strict=True):
        assert line.startswith(f"no key: {path}: {reason}")
    assert last == f"error: {len(bad_files)} files could not be used, see above"
    if form == "--json":
        assert [found["path"] for found in json.loads(done.stdout)] == list(map(str, good))
    else:
        assert [
            line.endswith(str(path))
            for line, path in zip(done.stdout.splitlines()[1:], good, strict=True)
        ] == [True, True]


def test_an_exported_network_answers_as_its_checkpoint(called, trained, song, write):
    path = write("a.wav", song)
    exported = resolve(trained).with_suffix(".onnx")
    asked = ["--checkpoint", trained], ["--model", exported], ["--checkpoint", resolve(trained)]
    answers = {called(predict.main, *one, path).stdout for one in asked}
    assert len(answers) == 1 and str(path) in answers.pop()
    assert called(predict.main, *asked[0], *asked[1], path).returncode == 2


def test_a_folder_without_music_is_refused(called, trained, tmp_path):
    (tmp_path / "notes.txt").touch()
    done = called(predict.main, "--checkpoint", trained, tmp_path)
    assert done.returncode == 1 and f"no key: {tmp_path}: no audio file in it" in done.stderr
