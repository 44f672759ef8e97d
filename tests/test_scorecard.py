"""Laws of the scorecard: levels stand for their sound, conditions do what they say, fits fit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import torch

from evaluation import scorecard
from evaluation.answers import SongAnswer
from evaluation.clarity import fit_rule, unclear_share
from evaluation.conditions import CENTS, RATE, SEMITONES, _altered
from evaluation.heard import Heard
from evaluation.levels import BINS_PER_OCTAVE, LOWEST_HZ, LevelsError, network_input
from evaluation.predictions import compare
from evaluation.targets import Target, condition_targets, target_table
from evaluation.temperature import CalibrationError
from evaluation.unkeyed import RATE as UNKEYED_RATE
from evaluation.unkeyed import SECONDS, unkeyed_sounds
from model.metrics import MirexScore
from model.run_folder import resolve
from pipeline.cqt import LogCQT
from pipeline.image import to_levels
from songkey.audio import waveform_blocks
from songkey.detector import Detector
from songkey.estimate import AnswerRule, estimate_song
from songkey.keys import KEYS
from songkey.networkfile import NetworkInfo
from songs import synthetic

LEVEL_RATE = 22_050


def levels_of(waveform: np.ndarray) -> np.ndarray:
    """20 s at 22,050 Hz as levels (1, 192, 216)."""
    log_cqt = LogCQT(LEVEL_RATE, LOWEST_HZ * 2**0.5, 168, BINS_PER_OCTAVE, 6, 2_048, 80.0)
    return to_levels(log_cqt(torch.from_numpy(waveform)[None]), 80.0).numpy()


@pytest.fixture(scope="module")
def model(trained) -> Path:
    return resolve(trained).with_suffix(".onnx")


@pytest.fixture(scope="module")
def songs() -> list[tuple[str, np.ndarray]]:
    """Keys of songs and 20 s of each at 22,050 Hz."""
    made = synthetic.songs(3, 20.0, seed=11)
    return [(str(one.key), synthetic.render(one.audio_path, LEVEL_RATE)) for one in made]


@pytest.fixture(scope="module")
def folder(songs, tmp_path_factory) -> Path:
    """A folder with three pop songs, a noise without a key, a gone file, and the songs' levels."""
    folder = tmp_path_factory.mktemp("material")
    recordings = folder / "recordings"
    (recordings / "pop").mkdir(parents=True)
    rows = ["path\tkey\tseconds"]
    for number, (key, waveform) in enumerate(songs):
        soundfile.write(recordings / f"pop/{number}.wav", 0.5 * waveform, LEVEL_RATE)
        rows.append(f"pop/{number}.wav\t{key}\t20")
    noise = np.random.default_rng(0).normal(0, 0.1, LEVEL_RATE * 20)
    soundfile.write(recordings / "noise.wav", noise, LEVEL_RATE)
    rows += ["noise.wav\t\t20", "pop/gone.wav\tC major\t20", ""]
    (recordings / "labels.tsv").write_text("\n".join(rows))
    (folder / "validation").mkdir()
    np.savez(
        folder / "validation/real.npz",
        levels=np.concatenate([levels_of(waveform) for _, waveform in songs for _ in range(2)]),
        song=np.repeat(np.arange(3), 2),
        key=[key for key, _ in songs],
        group=["edm", "edm", "jazz"],
    )
    return folder


def info_of(rate: int, seconds: float, **changes) -> NetworkInfo:
    cqt = {"fmin_hz": 65.40639132514966, "n_bins": 120, "bins_per_octave": 24,
           "margin_semitones": 6, "hop_length": 2_048, "range_db": 80.0}  # fmt: skip
    return NetworkInfo("a", rate, seconds, cqt | changes, AnswerRule(), "")


@torch.inference_mode()
def test_levels_are_what_the_network_hears_of_the_sound(songs):
    slow = LogCQT(11_025, 65.40639132514966, 120, 24, 6, 2_048, 80.0)
    for _, waveform in songs:
        sound = soxr.resample(waveform, LEVEL_RATE, 11_025)
        expected = (slow(torch.from_numpy(sound)[None]) / 80 + 1)[:, 12:-12].numpy()
        given = network_input(levels_of(waveform), info_of(11_025, 20.0))
        assert given.shape == expected.shape and given.dtype == np.float32
        assert np.abs(given - expected).mean() < 0.01


def test_an_interval_of_levels_is_cut_into_as_many_of_the_network_s_as_it_holds(songs):
    levels = np.concatenate([levels_of(waveform) for _, waveform in songs])
    whole = network_input(levels, info_of(11_025, 20.0))
    pieces = network_input(levels, info_of(11_025, 4.0))
    frames = 4 * 11_025 // 2_048 + 1
    assert pieces.shape == (3 * 4, 120, frames)
    same = whole[0, :, :frames]  # but for a constant: of each piece the peak is 0 dB
    assert np.ptp((pieces[0] - same)[same > 0]) < 1e-5 and pieces.max() <= 1


@pytest.mark.parametrize(
    "changes",
    [{"bins_per_octave": 36}, {"fmin_hz": 20.0}, {"hop_length": 2_000}],
)
def test_levels_of_another_cqt_than_the_network_s_are_refused(changes):
    with pytest.raises(LevelsError, match="levels of another CQT than the network's"):
        network_input(np.zeros((1, 192, 216), np.uint8), info_of(11_025, 20.0, **changes))
    with pytest.raises(LevelsError, match="levels of another CQT"):
        network_input(np.zeros((1, 192, 216), np.uint8), info_of(11_025, 30.0))


def test_conditions_change_pitch_sound_and_length_as_they_say(tmp_path):
    path = tmp_path / "a.wav"
    time = np.arange(40 * RATE) / RATE
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 440 * time), RATE)
    altered = {condition: (audio, rate) for condition, audio, rate in _altered(path)}
    assert len(altered) == len(SEMITONES) + len(CENTS) + 2 and len(SEMITONES) == 12

    def hertz(audio: np.ndarray, rate: float) -> float:
        return float(np.abs(np.fft.rfft(audio)).argmax() * rate / len(audio))

    for (what, amount), (audio, rate) in altered.items():
        if what == "bits a second":
            assert len(audio.getvalue()) * 8 / 40 == pytest.approx(64_000, rel=0.02)
            decoded = np.concatenate(list(waveform_blocks(audio, RATE)))
            assert hertz(decoded, RATE) == pytest.approx(440, rel=1e-3)
        elif what == "first seconds":
            assert len(audio) == amount * rate == 30 * RATE
        else:
            octaves = amount / (12 if what == "semitones" else 1200)
            assert hertz(audio, rate) == pytest.approx(440 * 2**octaves, rel=1e-3)


def answers(key_ids: list[int]) -> list[SongAnswer]:
    """Songs that are all answered right."""
    return [
        SongAnswer("pop", str(at), KEYS[key_id], estimate_song(9.0 * np.eye(24)[[key_id]]),
                   MirexScore(correct=1))
        for at, key_id in enumerate(key_ids)
    ]  # fmt: skip


def test_answers_that_turn_with_the_song_and_stay_else_lose_nothing():
    songs = answers([0, 7, 15, 23])
    keys = {("semitones", s): [one.key.transpose(s) for one in songs] for s in SEMITONES}
    kept = [one.key for one in songs]
    keys |= {("cents", -40): kept, ("cents", 40): kept[:3] + [KEYS[0]]}
    keys |= {("bits a second", 64_000): kept, ("first seconds", 30): kept[1:] + kept[:1]}
    transposed, cents, mp3, beginning = condition_targets("pop", songs, keys)
    assert (transposed.reached, mp3.reached) == (100.0, 0.0)
    assert cents.reached == pytest.approx(25.0) and beginning.reached > 50
    assert [one.is_met for one in (transposed, cents, mp3, beginning)] == [True, False, True, False]
    keys["semitones", 6] = kept
    assert condition_targets("pop", songs, keys)[0].reached == pytest.approx(100 * 11 / 12)


def test_a_target_that_is_missed_or_not_measured_says_so():
    table = target_table([Target("a", 98.0, 98.0), Target("bb", 98.0, 4.0, True),
                          Target("c", float("nan"), 1.0)])  # fmt: skip
    assert table.splitlines() == ["a    98.0  at least 98", "bb   98.0  at most 4: missed",
                                  "c     nan  at least 1: missed"]  # fmt: skip


def drawn(songs: int, temperature: float) -> list[Heard]:
    """Songs of one interval whose keys are drawn from the softmax of logits / temperature."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 3, (songs, 24))
    noise = random.gumbel(size=logits.shape)
    key_ids = (logits / temperature + noise).argmax(axis=1)
    return [Heard("pop", str(at), KEYS[key_id], logits[[at]]) for at, key_id in enumerate(key_ids)]


@pytest.mark.parametrize("true", [0.6, 1.7])
def test_the_song_temperature_that_keys_were_drawn_with_is_found(true):
    songs = drawn(3000, true)
    unkeyed = [Heard("noise", str(n), None, np.zeros((1, 24))) for n in range(5)]
    rule = AnswerRule(song_temperature=5.0, clear_threshold=0.9, minor_prior=0.9)
    fit = fit_rule([*songs, *unkeyed], rule)
    assert fit.rule.song_temperature == pytest.approx(true, rel=0.06)
    assert fit.temperature.after.error < 0.03
    assert 0.02 < fit.keyed_unclear <= 0.06 and fit.unkeyed_unclear == 1.0
    for one in (replace(fit.rule, clear_energy=None), replace(fit.rule, clear_threshold=0.0)):
        assert 0.02 < unclear_share(songs, one) <= 0.03
    higher = replace(fit.rule, clear_threshold=fit.rule.clear_threshold + 0.01, clear_energy=None)
    assert unclear_share(songs, higher) > 0.03
    assert (fit.rule.temperature, fit.rule.minor_prior) == (1.0, 0.5)


def test_nothing_is_fitted_without_songs():
    with pytest.raises(CalibrationError, match="no song with a key to fit a rule on"):
        fit_rule([Heard("noise", "0", None, np.zeros((1, 24)))], AnswerRule())


def test_sounds_without_a_key_are_all_different_and_the_same_each_time():
    first, again, other = (list(unkeyed_sounds(seed, each=2)) for seed in (0, 0, 1))
    kinds = {kind for kind, _ in first}
    assert {"drums", "speech", "silence", "white noise"} <= kinds and len(first) == 2 * len(kinds)
    for (kind, one), (_, same), (_, another) in zip(first, again, other, strict=True):
        assert one.shape == (SECONDS * UNKEYED_RATE,) and np.abs(one).max() <= 1
        assert (one == same).all() and (kind == "silence" or (one != another).any())


def test_the_shipped_network_is_less_sure_of_sounds_without_a_key_than_of_songs(songs):
    detector = Detector()
    sounds = [(k, w) for k, w in unkeyed_sounds(2, each=1) if k != "silence"]
    unsure = [detector.estimate(waveform, UNKEYED_RATE).confidence for _, waveform in sounds]
    sure = [detector.estimate(waveform, LEVEL_RATE).confidence for _, waveform in songs]
    assert max(unsure) < np.median(sure)


def test_the_scorecard_names_every_set_and_target_and_what_is_left_out(
    called, folder, model, tmp_path
):
    output = tmp_path / "answers.tsv"
    done = called(scorecard.main, folder, "--model", model, "--fit", "--output", output)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("fitted on 6 songs with a key: --song-temperature ")
    rows = {line.split("  ")[0]: line for line in lines}
    assert {"pop", "real.npz", "real.npz, edm", "real.npz, jazz", "all sets"} <= rows.keys()
    for what in ("pop: weighted", "real.npz, jazz: weighted", "real.npz: expected calibration",
                 "pop: recall of major", "pop: without a clear key", "noise.wav: without a clear",
                 "drums: without", "silence: without", "pop: transposed answers",
                 "pop: points lost by -40 to 40 cents", "pop: points lost by mp3 of 64 kbit/s",
                 "pop: points lost by hearing 30 s alone"):  # fmt: skip
        (line,) = [line for line in lines if line.startswith(what)]
        assert "at least" in line or "at most" in line
    assert "1 part left out: " in done.stdout and "pop/gone.wav: file not found" in done.stdout
    assert compare(output, output).score.total == 6


def test_parts_that_are_missing_are_named_and_nothing_at_all_is_refused(
    called, folder, model, tmp_path
):
    (tmp_path / "validation").symlink_to(folder / "validation")
    asked = ["--model", model, "--sets-only", "--output", tmp_path / "a.tsv"]
    done = called(scorecard.main, tmp_path, *asked)
    assert done.returncode == 0 and "recordings/labels.tsv (no such file)" in done.stdout
    (tmp_path / "validation").unlink()
    done = called(scorecard.main, tmp_path, *asked)
    assert done.returncode == 1 and "nothing in it that has a key; " in done.stderr
    assert "validation/*.npz (no such file)" in done.stderr
