"""Which keys mix with a song's, as DJs mix by the circle of fifths (Camelot's wheel)."""

from enum import StrEnum

from songkey.estimate import KeyEstimate
from songkey.keys import KEYS, Key


class Match(StrEnum):
    """What a key is to the one that it is mixed into, the smoothest first."""

    SAME = "same key"
    RELATIVE = "relative"
    FIFTH_UP = "fifth up"
    FIFTH_DOWN = "fifth down"
    TONE_UP = "energy up (a tone)"
    SEMITONE_UP = "energy up (a semitone)"
    TONE_DOWN = "energy down (a tone)"


STEPS = {0: Match.SAME, 7: Match.FIFTH_UP, 5: Match.FIFTH_DOWN, 2: Match.TONE_UP,
         1: Match.SEMITONE_UP, 10: Match.TONE_DOWN}  # semitones up, in the same mode  # fmt: skip


def match(key: Key, playing: Key) -> Match | None:
    """What `key` is to the key that is `playing`; None where the two do not mix."""
    if key.mode == playing.mode:
        return STEPS.get((key.tonic - playing.tonic) % 12)
    return Match.RELATIVE if key.fifths_above_c == playing.fifths_above_c else None


def compatible(key: Key) -> dict[Key, Match]:
    """The keys that mix with `key` and what they are to it, the best first."""
    found = {one: kind for one in KEYS if (kind := match(one, key))}
    return dict(sorted(found.items(), key=lambda pair: list(Match).index(pair[1])))


def rank(estimate: KeyEstimate, playing: Key) -> tuple[int, float] | None:
    """Sorts songs by how well they mix, then by how sure that is; None where one does not."""
    kind = match(estimate.key, playing) if estimate.is_clear else None
    return None if kind is None else (list(Match).index(kind), -estimate.confidence)
