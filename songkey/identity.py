"""What tells a recording from every other: a digest of its sound, whatever its tags and container.

Of the decoded samples, at the file's own rate, from the first peak on that the second after it does
not surpass. Where that peak lies does not depend on what an encoder puts before the music, which
some containers cut off and others do not know of: an MP3 has the digest that it has in Matroska,
AAC in MP4 that of the bare stream. Another encoder makes other samples, and another identity.
"""

import hashlib

import numpy as np

from songkey.audio import to_int16

HEARD_SECONDS = 10  # from the peak on
PEAK_SECONDS = 1  # that it has to last; an encoder's delay is a twentieth
QUIET = 32  # of 32768: -60 dB; silence before a song, and its dither, have no peaks
DIGITS = 20  # of the digest that are kept, in hex; digests of another kind once had 16


class Identity:
    """The identity of a song, of whose sound all blocks are heard."""

    text = ""  # 20 hex digits, of what was heard so far; "" of silence
    seconds = 0.0  # that all lasts which was heard, to a hundredth
    is_known = False  # enough was heard, and more would change nothing of the text

    def __init__(self) -> None:
        self._exact_seconds = 0.0
        self._peak, self._since = QUIET, 0  # the highest level, and how many samples ago
        # Of a sound that rises to its end no peak lasts: then its beginning tells it.
        self._from_beginning = self._from_peak = _TenSeconds(0)

    def hear(self, sample_rate: int, block: np.ndarray) -> None:
        """The next block (S,), of int16 or of full scale 1."""
        self._exact_seconds += len(block) / sample_rate
        self.seconds = round(self._exact_seconds, 2)
        if not self.is_known:
            self._listen(sample_rate, to_int16(block))

    def told(self, text: str, seconds: float) -> None:
        """What another process heard, of all blocks."""
        self.text, self.seconds, self.is_known = text, seconds, True

    def _listen(self, sample_rate: int, waveform: np.ndarray) -> None:
        level = np.abs(waveform.astype(np.int32))
        if self._peak == QUIET:
            loud = np.flatnonzero(level > QUIET)
            if not len(loud):
                return
            waveform, level = waveform[loud[0] :], level[loud[0] :]
            self._from_beginning = _TenSeconds(sample_rate)
        self._from_beginning.add(waveform)
        lasting = PEAK_SECONDS * sample_rate
        if (peak := self._next_peak(level, lasting)) is not None:
            waveform, self._since = waveform[peak:], 0
            self._from_peak = _TenSeconds(sample_rate)
        self._from_peak.add(waveform)
        self._since += len(waveform)
        lasted = self._since >= lasting
        self.text = (self._from_peak if lasted else self._from_beginning).text
        self.is_known = lasted and not self._from_peak.missing

    def _next_peak(self, level: np.ndarray, lasting: int) -> int | None:
        """Where the one is that takes the place of the peak until now; None if none does.

        Each that is passed over on the way was surpassed before it had lasted.
        """
        place, found, left = 0, None, lasting - self._since
        while left > 0 and len(following := level[place : place + left]):
            highest = int(following.argmax())
            if following[highest] <= self._peak:
                break
            found = place = place + highest
            self._peak, left = int(level[place]), lasting
        return found


class _TenSeconds:
    """A digest of as many samples as those are; of fewer, where no more come."""

    def __init__(self, sample_rate: int):
        self.missing = HEARD_SECONDS * sample_rate
        self._digest = hashlib.sha256()

    @property
    def text(self) -> str:
        return self._digest.hexdigest()[:DIGITS]

    def add(self, waveform: np.ndarray) -> None:
        heard = waveform[: self.missing]
        self.missing -= len(heard)
        self._digest.update(heard.astype("<i2", copy=False).tobytes())
