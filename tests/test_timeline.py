"""Laws of the key over time: it changes where the song does, and silence has none."""

from itertools import pairwise

import numpy as np
import pytest

from songkey.detector import Detector
from songkey.estimate import AnswerRule
from songkey.keys import KEYS, parse_key
from songkey.timeline import Window, spans
from songs import synthetic

RATE = 11_025


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


@pytest.fixture(scope="module")
def songs() -> list[tuple[np.ndarray, str]]:
    """Two songs of 70 s, whose keys the network hears, in A minor and in C# minor."""
    made = synthetic.songs(4, 70.0, seed=22)[1:3]
    return [(synthetic.render(song.audio_path, RATE), str(song.key)) for song in made]


def test_two_songs_played_on_are_two_spans_that_meet_where_they_do(detector, songs):
    (one, first), (other, second) = songs
    left, right = detector.timeline(np.concatenate([one, other]), RATE)
    assert (str(left.key), str(right.key)) == (first, second)
    assert left.start_seconds < 0.5 and left.end_seconds == right.start_seconds
    assert right.end_seconds == pytest.approx(140, abs=0.5)
    assert left.end_seconds == pytest.approx(70, abs=5)
    assert 0.5 < left.confidence <= 1 and left.is_clear


def test_where_it_is_silent_there_is_no_span(detector, songs):
    silence = np.zeros(40 * RATE, np.float32)
    sounds = [silence, songs[0][0], silence, songs[1][0], silence]
    left, right = detector.timeline(np.concatenate(sounds), RATE)
    times = [left.start_seconds, left.end_seconds, right.start_seconds, right.end_seconds]
    assert times == pytest.approx([40, 110, 150, 220], abs=0.5)


def test_listening_for_more_changes_neither_the_key_nor_its_confidence(detector, songs):
    for song in (songs[0][0], songs[0][0][: 25 * RATE], songs[0][0][: 5 * RATE]):
        expected = detector.estimate(song, RATE)
        assert detector.listen(song, RATE).estimate == expected
        heard = detector.listen(song, RATE, timeline=True, picture=True)
        assert heard.estimate == expected and heard.spans is not None
        assert detector.listen(song, RATE).spans is None
        bins, frames = heard.log_cqt.shape
        intervals = heard.log_cqt.reshape(bins, -1, 108).max(axis=(0, 2))
        assert bins == 120 and len(intervals) == max(1, round(len(song) / RATE / 20))
        assert (intervals == 255).all() and frames % 108 == 0


def windows(key_ids: list[int], logit: float = 8.0, gap_at: int | None = None) -> list[Window]:
    """Intervals of 20 s that begin 5 s apart and say these keys."""
    return [
        Window(number, 5.0 * number, 5.0 * number + 20, logit * np.eye(24)[key_id])
        for number, key_id in enumerate(key_ids)
        if number != gap_at
    ]


def test_a_passing_chord_is_no_change_of_key_and_a_lasting_one_is():
    passing = spans(windows([0] * 8 + [7] + [0] * 8), AnswerRule())
    assert [span.key for span in passing] == [KEYS[0]]
    assert (passing[0].start_seconds, passing[0].end_seconds) == (0, 100)
    lasting = spans(windows([0] * 8 + [7] * 8 + [0] * 8), AnswerRule())
    assert [span.key.id for span in lasting] == [0, 7, 0]
    assert [(span.start_seconds, span.end_seconds) for span in lasting] == [
        (0, 47.5), (47.5, 87.5), (87.5, 135)
    ]  # fmt: skip


def test_spans_cover_the_song_once_and_differ_from_their_neighbours():
    rng = np.random.default_rng(0)
    for length in (1, 2, 30):
        logits = rng.normal(0, 6, size=(length, 24))
        rows = [Window(n, 5.0 * n, 5.0 * n + 20, row) for n, row in enumerate(logits)]
        found = spans(rows, AnswerRule())
        assert (found[0].start_seconds, found[-1].end_seconds) == (0, 5.0 * length + 15)
        for one, following in pairwise(found):
            assert one.end_seconds == following.start_seconds and one.key != following.key


def test_the_way_that_is_taken_is_the_most_probable_of_all():
    """Against all ways through three keys."""
    rng = np.random.default_rng(1)
    logits = np.full((6, 24), -50.0)
    logits[:, :3] = rng.normal(0, 8, size=(6, 3))
    odds = (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))) / 4
    ways = np.stack(np.meshgrid(*[range(3)] * 6), axis=-1).reshape(-1, 6)
    scores = odds[np.arange(6), ways].sum(axis=1) - 2 * (np.diff(ways) != 0).sum(axis=1)
    best = ways[scores.argmax()]
    rows = [Window(n, 5.0 * n, 5.0 * n + 20, row) for n, row in enumerate(logits)]
    changes = [int(best[0]), *(int(b) for a, b in pairwise(best) if a != b)]
    assert [span.key.id for span in spans(rows, AnswerRule())] == changes


def test_a_silent_interval_parts_two_spans_of_one_key():
    found = spans(windows([9] * 9, gap_at=4), AnswerRule())
    assert [span.key for span in found] == [KEYS[9], KEYS[9]]


def test_a_span_that_no_key_fits_is_not_clear():
    (found,) = spans(windows([parse_key("Am").id] * 4, logit=0.5), AnswerRule(clear_threshold=0.3))
    assert not found.is_clear and found.confidence < 0.3
