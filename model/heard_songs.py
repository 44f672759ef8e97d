"""Which recordings trained a network, as digests: 8 bytes for each sound and each name."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class HeardSongs:
    """What can be known of all songs that trained a network, in whichever runs."""

    digests: np.ndarray  # (N,) uint64, sorted, each once, none 0: of sounds and of names
    unknown: tuple[str, ...] = ()  # of which more neither is known, in words

    @classmethod
    def of(cls, digests: np.ndarray, unknown: Iterable[str] = ()) -> Self:
        """The songs of which these are the digests (M,), 0 where there is none."""
        found = np.sort(digests)  # np.unique takes ten times as long
        return cls(found[np.flatnonzero(np.diff(found, prepend=np.uint64(0)))], tuple(unknown))

    def with_those_of(self, other: "HeardSongs") -> Self:
        """Of both."""
        digests = np.concatenate([self.digests, other.digests])
        return self.of(digests, dict.fromkeys((*other.unknown, *self.unknown)))
