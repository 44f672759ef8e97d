"""Which recordings trained a network, as digests: 8 bytes for each sound and each name.

Those of music without labels stand apart: whose key was never told, that is hardly learnt by heart.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

NONE = np.zeros(0, np.uint64)


@dataclass(frozen=True)
class TrainedSongs:
    """What can be known of all songs that trained a network, in whichever runs."""

    labelled: np.ndarray  # (N,) uint64, sorted, each once, none 0: of sounds and of names
    unlabelled: np.ndarray  # the same
    unknown: tuple[str, ...] = ()  # which others have neither sound nor name recorded, in words

    @classmethod
    def of(
        cls, labelled: np.ndarray, unlabelled: np.ndarray = NONE, unknown: Iterable[str] = ()
    ) -> Self:
        """The songs of which these are the digests, 0 where there is none."""
        return cls(_sorted(labelled), _sorted(unlabelled), tuple(unknown))

    def with_those_of(self, other: "TrainedSongs") -> Self:
        """Those that trained either of the two networks, one of which goes on from the other."""
        return self.of(
            np.concatenate([self.labelled, other.labelled]),
            np.concatenate([self.unlabelled, other.unlabelled]),
            dict.fromkeys((*other.unknown, *self.unknown)),
        )


def _sorted(digests: np.ndarray) -> np.ndarray:
    """Each once, without 0; np.unique takes ten times as long."""
    found = np.sort(digests)
    return found[np.flatnonzero(np.diff(found, prepend=np.uint64(0)))]
