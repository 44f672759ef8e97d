"""A network that names the key of any audio, in a file or in memory."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np

from songkey.audio import waveform_blocks
from songkey.container import BinaryStream
from songkey.errors import printable
from songkey.estimate import KeyEstimate, estimate_song
from songkey.intervals import Piece, intervals
from songkey.listening import Ear, Listening
from songkey.networkfile import INPUT, OUTPUT, open_network
from songkey.samples import SamplesError, sample_blocks
from songkey.timeline import KeySpan

BATCH_INTERVALS = 4  # of a song computed at once: memory does not grow with the song

Audio = str | Path | BinaryStream | np.ndarray


class Detector:
    """An exported network, ready for many songs; threads may share one.

    It decodes in this process, which a damaged file may crash: see `songkey.GuardedDetector`.
    """

    def __init__(
        self, model: str | Path | None = None, threads: int = 1, minor_prior: float | None = None,
        on_block: Callable[[np.ndarray], None] | None = None,
    ):  # fmt: skip
        """The network in the file `model`, or the one that comes with songkey.

        `threads` compute one song; 0 is one a core. `minor_prior` is the share of minor keys in the
        music, where that is known. `on_block` gets each block of a file's sound as it is decoded: a
        sign of life. Raises AudioKeyError for a file that is none.
        """
        self._session, self.info = open_network(model, threads)
        self._names = [output.name for output in self._session.get_outputs()]  # HEARD may lack
        self.rule = self.info.answer
        if minor_prior is not None:
            self.rule = replace(self.rule, minor_prior=minor_prior)
        self._on_block = on_block

    def estimate(self, audio: Audio, sample_rate: float | None = None) -> KeyEstimate:
        """The key of a file, of an open binary file, or of samples at `sample_rate`.

        Samples are of full scale 1, or 16-bit integers; (S,), (S, C) or (C, S) of one or two
        channels. Raises AudioKeyError for what has no key or cannot be read.
        """
        return estimate_song(self.logits(audio, sample_rate), self.rule)

    def timeline(self, audio: Audio, sample_rate: float | None = None) -> list[KeySpan]:
        """The keys that a song goes through, in order; audio and errors as in `estimate`.

        Where it is silent there is no span.
        """
        return list(self.listen(audio, sample_rate, timeline=True).spans or ())

    def listen(
        self, audio: Audio, sample_rate: float | None = None, timeline: bool = False,
        picture: bool = False,
    ) -> Listening:  # fmt: skip
        """A song's key and tuning, its timeline and CQT, heard in one go; else as `estimate`."""
        blocks, size, where = self._blocks(audio, sample_rate)
        ear = Ear(self.info, timeline, picture)
        for chunk in _chunks(intervals(blocks, size, where, size // ear.steps)):
            logits, *shown = self._outputs(chunk, self._names)
            log_cqts = shown[0] if shown else [None] * len(chunk)  # (B, F, T)
            for each in zip(chunk, logits, log_cqts, strict=True):
                ear.add(*each)
        return ear.listening(self.rule)

    def logits(self, audio: Audio, sample_rate: float | None = None) -> np.ndarray:
        """What the network says of each interval of `audio` that is not silent, (N, 24)."""
        pieces = intervals(*self._blocks(audio, sample_rate))
        return np.concatenate([self._outputs(chunk, [OUTPUT])[0] for chunk in _chunks(pieces)])

    def _blocks(
        self, audio: Audio, sample_rate: float | None
    ) -> tuple[Iterator[np.ndarray], int, str]:
        """The sound in blocks, the samples of an interval, and what to call the audio."""
        size, rate = self.info.interval_samples, self.info.sample_rate
        if isinstance(audio, str | Path | BinaryStream):
            if sample_rate is not None:
                raise SamplesError("sample_rate goes with samples: a file has its own")
            where = printable(audio) if isinstance(audio, str | Path) else "audio in memory"
            return self._shown(waveform_blocks(audio, rate)), size, where
        return sample_blocks(audio, sample_rate, rate), size, "waveform"

    def _shown(self, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        for block in blocks:
            if self._on_block:
                self._on_block(block)
            yield block

    def _outputs(self, pieces: list[Piece], names: list[str]) -> list[np.ndarray]:
        """The named outputs for each interval: logits (B, 24), the log CQT (B, F, T)."""
        waveform = np.stack([piece.waveform for piece in pieces])  # (B, S) int16
        waveform = np.multiply(waveform, 1 / 32768, dtype=np.float32)
        outputs: list[np.ndarray] = self._session.run(names, {INPUT: waveform})
        return outputs


def estimate_key(audio: Audio, sample_rate: float | None = None) -> KeyEstimate:
    """The key that the network that comes with songkey hears; see `Detector.estimate`."""
    return _default_detector().estimate(audio, sample_rate)


@cache
def _default_detector() -> Detector:
    return Detector()


def _chunks(pieces: Iterator[Piece]) -> Iterator[list[Piece]]:
    while chunk := list(islice(pieces, BATCH_INTERVALS)):
        yield chunk
