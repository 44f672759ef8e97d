"""Laws of the tuning: a song played so many cents higher is heard as much higher."""

import numpy as np
import pytest
import soxr

from songkey.detector import Detector
from songs import synthetic

RATE = 22_050
SECONDS = 20


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


def apart(one: float, other: float) -> float:
    """Cents between two tunings, which are the same 100 cents apart."""
    return abs((one - other + 50) % 100 - 50)


def chords(cents: float, seed: int) -> np.ndarray:
    """Four tones at once, with eight partials each, so many cents above 440 Hz."""
    rng = np.random.default_rng(seed)
    time = np.arange(RATE * SECONDS) / RATE
    sound = np.zeros_like(time)
    for pitch in rng.choice(np.arange(40, 80), 4, replace=False):
        hertz = 440 * 2 ** ((pitch - 69 + cents / 100) / 12)
        for partial in range(1, 9):
            sound += np.sin(2 * np.pi * partial * hertz * time + rng.uniform(0, 6)) / partial
    return sound / 20


@pytest.mark.parametrize("cents", [-45.0, -20.0, 0.0, 13.0, 49.0])
def test_tones_are_as_far_from_440_hz_as_they_were_made(detector, cents):
    found = detector.listen(chords(cents, seed=round(cents) + 50), RATE).tuning_cents
    assert apart(found, cents) < 3 and -50 <= found <= 50


@pytest.mark.parametrize("number", range(3))
def test_a_song_played_faster_is_higher_by_as_much(detector, number):
    song = synthetic.render(synthetic.songs(3, 40.0, seed=31)[number].audio_path, RATE)
    here = detector.listen(song, RATE).tuning_cents
    for cents in (-30, 17):
        higher = soxr.resample(song, RATE * 2 ** (cents / 1200), RATE)
        assert apart(detector.listen(higher, RATE).tuning_cents, here + cents) < 3


def test_noise_has_no_tuning(detector):
    noise = np.random.default_rng(0).normal(0, 0.1, RATE * SECONDS)
    assert detector.listen(noise, RATE).tuning_cents is None


def test_loudness_and_length_change_no_tuning(detector):
    sound = chords(20.0, seed=5)
    one = detector.listen(sound, RATE).tuning_cents
    assert apart(detector.listen(np.tile(0.1 * sound, 3), RATE).tuning_cents, one) < 1
