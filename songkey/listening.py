"""What is heard in one song, interval by interval."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from songkey.estimate import AnswerRule, KeyEstimate, estimate_song
from songkey.networkfile import NetworkInfo
from songkey.timeline import STEPS, KeySpan, Window, spans
from songkey.tuning import Tuning

if TYPE_CHECKING:  # whoever prints what was heard decodes nothing
    from songkey.intervals import Piece


@dataclass(frozen=True)
class Listening:
    """What was heard in one song.

    `tuning_cents` is how far its A4 is above 440 Hz, -50 to 50, None where no tones agree. Where
    they were asked for: `spans`, and `log_cqt`, uint8 (F, T), 255 in each interval's loudest bin.
    """

    estimate: KeyEstimate
    tuning_cents: float | None
    spans: tuple[KeySpan, ...] | None = None
    log_cqt: np.ndarray | None = None


class Ear:
    """Gathers what the network says of the intervals of a song."""

    def __init__(self, info: NetworkInfo, timeline: bool, picture: bool):
        self.rate, self.tuning = info.sample_rate, Tuning(info.cqt)
        self.timeline, self.picture = timeline, picture
        self.steps = STEPS if timeline else 1  # the song's own intervals are every so many
        self.own: list[np.ndarray] = []  # logits (24,)
        self.windows: list[Window] = []
        self.pictures: dict[int, np.ndarray] = {}  # by the own intervals' numbers

    def add(self, piece: "Piece", logits: np.ndarray, log_cqt: np.ndarray | None) -> None:
        """An interval with its logits (24,), and its log CQT (F, T) where the network shows it."""
        number, between = divmod(piece.number, self.steps)
        if not between:
            self.own.append(logits)
        if self.timeline:
            start, end = (sample / self.rate for sample in piece.sounding)
            self.windows.append(Window(piece.number, start, end, logits))
        if log_cqt is not None:
            self.tuning.add(log_cqt)
            if self.picture and not between:
                self.pictures[number] = np.rint(255 * log_cqt).astype(np.uint8)

    def listening(self, rule: AnswerRule) -> Listening:
        """What the song is, by all that was added."""
        logits = self.own or [window.logits for window in self.windows]  # the end alone may sound
        return Listening(
            estimate_song(np.stack(logits), rule),
            self.tuning.cents,
            tuple(spans(self.windows, rule)) if self.timeline else None,
            self._side_by_side() if self.pictures else None,
        )

    def _side_by_side(self) -> np.ndarray:
        """The pictures of all intervals, (F, T), zeros for those that were silent."""
        silent = np.zeros_like(next(iter(self.pictures.values())))
        count = max(self.pictures) + 1
        return np.concatenate([self.pictures.get(one, silent) for one in range(count)], axis=1)
