"""Sections: which chords a piece repeats when, in which key, and which parts play them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from songkey.keys import Key
from synthesis.excursion import visited_key
from synthesis.form import Stretch
from synthesis.progressions import Span, one_of, progression
from synthesis.styles import Style

AWAY = 2  # the cycle of an excerpt's excursion, after the two at home
BARS, BARS_AWAY = [4, 8, 8, 16], [2, 4, 8]  # of a section
ALONE = 0.3  # the share of whole songs that begin with one part alone


class Cycle(NamedTuple):
    """Chords to be repeated, and the key that they are in: the song's but for excursions."""

    key: Key
    spans: list[Span]

    @property
    def beats(self) -> float:
        """Beats of the whole cycle."""
        return self.spans[-1].start_beats + self.spans[-1].beats


class Section(NamedTuple):
    """A stretch of beats: which of the cycles it repeats, and which parts play."""

    cycle: int
    start_beats: float
    end_beats: float
    active: np.ndarray


def draw_cycles(style: Style, key: Key, bar_beats: int, rng: np.random.Generator) -> list[Cycle]:
    """Two cycles at home, the second at times the first again, and in some songs a third away."""
    cycles, cycle_of = _home_cycles(style, key, bar_beats, rng)
    if rng.random() < style.excursion:
        cycles.append(cycle_of(visited_key(key, rng)))
    return cycles


def draw_sections(
    cycles: list[Cycle], bar_beats: int, begin: float, end: float, parts: int,
    rng: np.random.Generator,
) -> list[Section]:  # fmt: skip
    """Sections of an excerpt until the end: the first is at home; home follows a short one away."""
    sections: list[Section] = []
    start, which = begin, 0
    while start < end:
        bars = rng.choice(BARS if which < AWAY else BARS_AWAY)
        repeats = max(1, round(bars * bar_beats / cycles[which].beats))
        sections.append(_section(cycles, which, repeats, start, parts, rng))
        start = sections[-1].end_beats
        if which == AWAY or rng.random() < 0.6:
            which = int(rng.integers(AWAY)) if which == AWAY else 1 - which
            leaves = len(cycles) > AWAY and sections[-1].cycle < AWAY
            which = AWAY if leaves and rng.random() < 0.6 else which
    return sections


def whole_sections(
    style: Style, form: list[Stretch], bar_beats: int, song_beats: float, end: float, parts: int,
    rng: np.random.Generator,
) -> tuple[list[Cycle], list[Section]]:  # fmt: skip
    """The cycles and sections of a whole song until the end of what is heard of it.

    Each stretch away has a cycle of its own; some songs begin with one part alone.
    """
    home = form[0].key
    cycles, cycle_of = _home_cycles(style, home, bar_beats, rng)
    sections: list[Section] = []
    start = 0.0
    for key, share in form:
        choice = [0, 1]
        if key != home:
            choice = [len(cycles)]
            cycles.append(cycle_of(key))
        stop = min(share * song_beats, end)
        while start < stop:
            which = int(rng.choice(choice))
            most = np.ceil((stop - start) / cycles[which].beats)
            repeats = min(most, max(1, round(rng.choice(BARS) * bar_beats / cycles[which].beats)))
            sections.append(_section(cycles, which, repeats, start, parts, rng))
            start = sections[-1].end_beats
    if rng.random() < ALONE:
        sections[0].active[:] = np.arange(parts) == rng.integers(parts)
    return cycles, sections


def _section(
    cycles: list[Cycle], which: int, repeats: float, start: float, parts: int,
    rng: np.random.Generator,
) -> Section:  # fmt: skip
    """A section without some of the parts, never without all."""
    active = rng.random(parts) < 0.8
    active[rng.permutation(parts)[:2]] = True
    return Section(which, start, start + repeats * cycles[which].beats, active)


def _home_cycles(
    style: Style, home: Key, bar_beats: int, rng: np.random.Generator
) -> tuple[list[Cycle], Callable[[Key], Cycle]]:
    """Two cycles at home, and what draws more of the same song."""
    colour = rng.uniform(*style.colour)

    def cycle_of(key: Key) -> Cycle:
        kind = one_of(style.harmony[key.mode], rng)
        return Cycle(key, progression(key, kind, bar_beats, colour, rng))

    first = cycle_of(home)
    return [first, first if rng.random() < 0.4 else cycle_of(home)], cycle_of
