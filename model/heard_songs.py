"""Which recordings trained a network, as digests: 8 bytes for each sound and each name."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class HeardSongs:
    """What can be known of all songs that trained a network, in whichever runs."""

    digests: np.ndarray  # (N,) uint64, sorted, each once: of sounds and of names
    unknown: tuple[str, ...] = ()  # of which more neither is known, in words

    def with_those_of(self, other: "HeardSongs") -> "HeardSongs":
        """Of both."""
        unknown = tuple(dict.fromkeys((*other.unknown, *self.unknown)))
        return HeardSongs(np.union1d(self.digests, other.digests), unknown)
