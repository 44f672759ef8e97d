"""A folder of music without labels -> the intervals that a network is adapted to.

Each is made as a labelled one is: decoded, made mono, resampled, cut, transformed; its key is
neither known nor looked for, so that tags, label files and folder names are never read.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from pipeline.cqt import LogCQT
from pipeline.image import to_levels
from pipeline.unlabelled import Unlabelled, open_unlabelled, writing_unlabelled
from settings.sections import Hearing
from shards.cut import blocks_at
from songkey.blocks import GuardedBlocks
from songkey.errors import AudioError, AudioKeyError
from songkey.identity import Identity
from songkey.intervals import intervals
from songkey.passing import PassingAudioError
from songs.musicfolder import AudioFile, found_in
from songs.song import LeftOut, by_reason
from storage.places import place_of

VERSION = 3  # to be raised when the same files would give other levels or identities
TOGETHER = 32  # intervals transformed at a time

logger = logging.getLogger(__name__)


def library(folder: str, hearing: Hearing, least_seconds: float, cache: Path) -> Unlabelled:
    """The intervals of all music in `folder`, or at that address, as `hearing` says.

    They are kept in `cache` and made once, until files or settings change. Files that cannot be
    decoded, are silent or shorter than `least_seconds` are left out, which is logged. Raises
    AudioKeyError where no file can be used.
    """
    files, unreadable = found_in(place_of(folder))
    fingerprint = _fingerprint(files, hearing, least_seconds)
    found = open_unlabelled(cache, fingerprint)
    if found is None:
        _make(files, unreadable, hearing, least_seconds, cache, fingerprint)
        found = open_unlabelled(cache, fingerprint)
    left_out = by_reason(LeftOut(*one) for one in found.left_out) if found else "nothing is kept"
    if not found or not found.songs:
        raise AudioKeyError(
            f"{folder}: none of {len(files)} audio files can be used: {left_out}; give a folder of "
            "whole songs"
        )
    if found.left_out:
        logger.warning("left out of %d files: %s", len(files), left_out)
    logger.info("%d songs without labels, %d intervals", len(found.songs), len(found.levels))
    return found


def _fingerprint(files: dict[str, AudioFile], hearing: Hearing, least_seconds: float) -> str:
    """A digest of all that the levels follow from."""
    shape = hearing.cqt.shape | {"sample_rate": hearing.audio.sample_rate}
    traces = [(name, *_trace(file)) for name, file in files.items()]
    seconds = (hearing.prepare.interval_seconds, least_seconds)
    text = json.dumps([VERSION, shape, seconds, traces])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _trace(file: AudioFile) -> tuple[int, str]:
    """By which a changed file is known: its size, and when it changed or its MD5."""
    if not isinstance(file.place, Path):
        return file.bytes or 0, file.md5
    try:
        there = file.place.stat()
    except OSError:  # a link that leads nowhere
        return 0, ""
    return there.st_size, str(there.st_mtime_ns)


def _make(
    files: dict[str, AudioFile], unreadable: list[LeftOut], hearing: Hearing,
    least_seconds: float, cache: Path, fingerprint: str,
) -> None:  # fmt: skip
    log_cqt = LogCQT(hearing.audio.sample_rate, **hearing.cqt.shape)
    shape = (log_cqt.total_bins, hearing.interval_samples // hearing.cqt.hop_length + 1)
    left_out = [(one.song_id, one.reason) for one in unreadable]
    identities: list[str] = []
    with (
        closing(GuardedBlocks()) as decoder,
        writing_unlabelled(cache, fingerprint, shape, left_out, identities) as add,
    ):
        for name, file in tqdm(files.items(), desc="listening", unit="songs", disable=None):
            try:
                rate, identity = hearing.audio.sample_rate, Identity()
                sound = blocks_at(file.place, rate, decoder.blocks, identity)
                blocks = _long_enough(sound, rate, least_seconds, name)
                pieces = intervals(blocks, hearing.interval_samples, name)
                add(name, _levels((piece.waveform for piece in pieces), log_cqt))
                identities.append(identity.text)
            except PassingAudioError:
                raise
            except AudioError as error:
                left_out.append((name, error.reason))


def _long_enough(
    blocks: Iterable[np.ndarray], sample_rate: int, least_seconds: float, where: str
) -> Iterator[np.ndarray]:
    """The blocks as they are; AudioError after the last where they are too short together."""
    samples = 0
    for block in blocks:
        samples += len(block)
        yield block
    if samples < least_seconds * sample_rate:
        reason = f"shorter than {least_seconds:g} s: it lasts {samples / sample_rate:.1f} s"
        raise AudioError(where, reason)


@torch.inference_mode()
def _levels(waveforms: Iterable[np.ndarray], log_cqt: LogCQT) -> Iterator[np.ndarray]:
    """Levels (B, F + 2M, T) of waveforms (S,), a few at a time."""
    rest = iter(waveforms)
    while some := list(islice(rest, TOGETHER)):
        decibels = log_cqt(torch.from_numpy(np.stack(some)))
        yield to_levels(decibels, log_cqt.range_db).numpy()
