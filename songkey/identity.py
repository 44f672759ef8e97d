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
DIGITS = 16  # of the digest that are kept, in hex


class Identity:
    """The identity of a song, of whose sound all blocks are heard."""

    text = ""  # 16 hex digits, of what was heard so far; "" of silence
    seconds = 0.0  # that all lasts which was heard, to a hundredth

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._exact_seconds = 0.0
        self._peak, self._since = QUIET, 0  # the highest level, and how many samples ago
        self._missing = 1  # samples; as yet it is not known how many

    @property
    def is_known(self) -> bool:
        """Whether enough was heard, and more would change nothing of the text."""
        return not self._missing

    def hear(self, sample_rate: int, block: np.ndarray) -> None:
        """The next block (S,), of int16 or of full scale 1."""
        self._exact_seconds += len(block) / sample_rate
        self.seconds = round(self._exact_seconds, 2)
        if self.is_known:
            return
        waveform = to_int16(block)
        start = self._last_peak(waveform, PEAK_SECONDS * sample_rate)
        if start is not None:
            self._digest, self._missing = hashlib.sha256(), HEARD_SECONDS * sample_rate
            waveform = waveform[start:]
        if self._peak > QUIET:
            self._since += len(waveform)
            heard = waveform[: self._missing]
            self._missing -= len(heard)
            self._digest.update(heard.astype("<i2", copy=False).tobytes())
            self.text = self._digest.hexdigest()[:DIGITS]

    def _last_peak(self, waveform: np.ndarray, lasting: int) -> int | None:
        """Where the sample is that takes the place of the peak until now; None if none does.

        Each that is passed over on the way was surpassed before it had lasted.
        """
        level = np.abs(waveform.astype(np.int32))
        place, found, left = 0, None, lasting - self._since
        if self._peak == QUIET:  # nothing was loud: the first that is begins it
            place = int((level > QUIET).argmax())
            left = 1
        while left > 0 and len(following := level[place : place + left]):
            highest = int(following.argmax())
            if following[highest] <= self._peak:
                break
            found = place = place + highest
            self._peak, self._since, left = int(level[place]), 0, lasting
        return found
