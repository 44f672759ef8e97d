"""Laws of the plots: what they count, in which order, and that they are pictures of it."""

import io
import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from evaluation.answers import SongAnswer
from evaluation.calibration import reliability
from evaluation.plots import (
    FIFTHS_ORDER,
    confusion_counts,
    confusion_figure,
    fifths_counts,
    fifths_figure,
    png_bytes,
    reliability_figure,
)
from model.metrics import RELATIONS, MirexScore
from songkey.estimate import KeyEstimate
from songkey.keys import KEYS, Key, Relation, relation


def answered(key: Key, answer: Key) -> SongAnswer:
    return SongAnswer("mine", "song", key, KeyEstimate(answer, 1.0, (0.0,) * 24), MirexScore(1))


def pairs(number: int = 300) -> list[SongAnswer]:
    drawn = np.random.default_rng(0).integers(0, 24, (number, 2))
    return [answered(KEYS[key], KEYS[answer]) for key, answer in drawn]


ONE_OF_EACH = [answered(key, answer) for key, answer in itertools.product(KEYS, KEYS)]


def test_keys_run_along_the_circle_of_fifths_majors_first_relatives_below_each_other():
    assert sorted(key.id for key in FIFTHS_ORDER) == list(range(24))
    for major, minor in zip(FIFTHS_ORDER[:12], FIFTHS_ORDER[12:], strict=True):
        assert relation(minor, major) == Relation.RELATIVE
    for half in (FIFTHS_ORDER[:12], FIFTHS_ORDER[12:]):
        for lower, upper in itertools.pairwise([*half, half[0]]):
            assert relation(upper, lower) == Relation.FIFTH_UP


def test_the_confusion_matrix_counts_each_song_where_its_keys_cross():
    songs = pairs()
    counts = confusion_counts(songs)
    for song in songs:
        counts[FIFTHS_ORDER.index(song.key), FIFTHS_ORDER.index(song.estimate.key)] -= 1
    assert (counts == 0).all()
    assert (confusion_counts(ONE_OF_EACH) == 1).all()


def test_swapping_truth_and_answer_mirrors_the_matrix_and_turns_the_circle_round():
    songs = pairs()
    swapped = [answered(song.estimate.key, song.key) for song in songs]
    assert (confusion_counts(swapped) == confusion_counts(songs).T).all()
    back = fifths_counts(songs)[:, -np.arange(12) % 12]
    assert (fifths_counts(swapped) == back).all()


PLACES = {
    Relation.CORRECT: (0, 0), Relation.FIFTH_UP: (0, 1), Relation.FIFTH_DOWN: (0, 11),
    Relation.RELATIVE: (1, 0),
}  # fmt: skip


@pytest.mark.parametrize("kind", RELATIONS)
def test_every_relation_has_its_place_on_the_circle(kind):
    songs = [song for song in ONE_OF_EACH if relation(song.estimate.key, song.key) == kind]
    places = set(map(tuple, np.argwhere(fifths_counts(songs))))
    if kind == Relation.PARALLEL:  # C minor to C major: three flats more; E major to minor: fewer
        assert places == {(1, 3), (1, 9)}
    elif kind == Relation.OTHER:
        assert not places & {*PLACES.values()}
    else:
        assert places == {PLACES[kind]}


def test_transposing_truth_and_answer_together_stays_in_place_on_the_circle():
    songs = pairs()
    up = [answered(song.key.transpose(5), song.estimate.key.transpose(5)) for song in songs]
    assert (fifths_counts(up) == fifths_counts(songs)).all()


def test_the_numbers_written_in_the_matrix_are_its_counts():
    songs = pairs(80)
    counts = confusion_counts(songs)
    (axes,) = confusion_figure(songs).axes
    written = {tuple(map(int, text.get_position())): text.get_text() for text in axes.texts}
    assert written == {(x, y): str(counts[y, x]) for y, x in np.argwhere(counts)}
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [tick.get_text() for tick in ticks] == [str(key) for key in FIFTHS_ORDER]


FIGURES = {
    "confusion": lambda: confusion_figure(pairs()),
    "confusion of none": lambda: confusion_figure([]),
    "fifths": lambda: fifths_figure(pairs()),
    "fifths, all right": lambda: fifths_figure([answered(key, key) for key in KEYS]),
    "reliability": lambda: reliability_figure(
        reliability([0.1, 0.5, 0.9], [False, True, True]), "songs"
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_a_picture_that_is_not_blank(name):
    figure = FIGURES[name]()
    assert isinstance(figure, Figure)
    with Image.open(io.BytesIO(png_bytes(figure))) as picture:
        pixels = np.asarray(picture.convert("L"))
    assert min(pixels.shape) > 300
    assert len(np.unique(pixels)) > 10 and 0.005 < (pixels < 128).mean() < 0.9


def test_figures_do_not_stay_in_memory_as_those_of_pyplot_do():
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    fifths_figure(pairs())
    assert pyplot.get_fignums() == before
