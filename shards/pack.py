"""Songs into shards: each shard a task that can be repeated, the manifest last.

A task is a pure function of its songs and the settings. A shard counts once its record is there, so
a second run after any interruption redoes only what has no record, and gives the same bytes.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from isal.isal_zlib import crc32
from threadpoolctl import threadpool_limits

from pipeline.cqt import LogCQT
from pipeline.flac import flac_bytes
from pipeline.image import png_bytes, to_levels
from pipeline.pack_settings import PackSettings
from pipeline.record import SongEntry
from pipeline.sample import SampleInfo
from pipeline.wave_file import wav_bytes
from shards.cut import Decode, cut
from shards.digests import songs_digest, source_of
from shards.processes import ShardTask
from shards.shardfile import TaskTars
from songkey.blocks import GuardedBlocks, watched_blocks
from songkey.errors import AudioError
from songkey.identity import Identity
from songkey.passing import PassingAudioError, patiently
from songs.song import Interval, Song
from storage.places import Place
from storage.staging import staged

SPOOL_BYTES = 64_000_000  # of one song's encoded intervals held in memory; more go to the disk


@dataclass(frozen=True)
class PackTask(ShardTask):
    """One shard to be made: the songs in it, in order."""

    songs: tuple[Song, ...]
    settings: PackSettings


@dataclass(frozen=True)
class Packed:
    """What a task did, for the progress bar."""

    songs: int
    intervals: int
    left_out: int


def deal(
    folder: Place, songs: Sequence[Song], settings: PackSettings, first: int = 0
) -> list[PackTask]:
    """The songs dealt to shards in a seeded order; the shards are numbered from `first` on."""
    ordered = sorted(songs, key=lambda song: song.song_id)
    dealt = np.random.default_rng(settings.seed).permutation(len(ordered))
    size = settings.songs_per_shard
    tasks = []
    for number, start in enumerate(range(0, len(ordered), size), first):
        its_songs = tuple(ordered[place] for place in dealt[start : start + size])
        its_settings = settings.model_copy(update={"songs": songs_digest(its_songs)})
        tasks.append(PackTask(folder, f"{number:06d}", its_songs, its_settings))
    return tasks


@threadpool_limits.wrap(limits=1)
def pack_shard(task: PackTask) -> Packed:
    """Decode, cut, encode and write the songs of one shard, then its record.

    On one thread: tasks are what fills the cores, and with a thread of each library for every core
    two processes pack at half the rate of one. Raises PassingAudioError for a song that could not
    be read again and again, which nothing may be concluded from.
    """
    encode, left_out, sources = encoder_of(task.settings), [], []
    with (
        staged(task.folder) as folder,
        TaskTars(folder, task.name, task.settings.max_shard_bytes) as tars,
    ):
        decode = _guarded_decoder().blocks if task.guarded else watched_blocks
        for number, song in enumerate(task.songs):
            try:
                _add_song(tars, task, folder, number, song, decode, encode)
            except PassingAudioError:
                raise
            except AudioError as error:
                left_out.append((song.song_id, error.reason))
                sources.append(source_of(song))
        intervals = tars.commit(task.settings, left_out, sources)
    return Packed(len(task.songs) - len(left_out), intervals, len(left_out))


@lru_cache(maxsize=1)
def _guarded_decoder() -> GuardedBlocks:
    """One for all tasks of this process, with which it ends: to start it takes 0.3 s."""
    return GuardedBlocks()


def encoder_of(settings: PackSettings) -> Callable[[np.ndarray], bytes]:
    """From an interval's sound, int16 (S,), to the file that shards of these settings hold."""
    if settings.cqt is None:
        audio_bytes = wav_bytes if settings.audio_file == "wav" else flac_bytes
        return partial(audio_bytes, sample_rate=settings.sample_rate)
    return _png_encoder(settings.sample_rate, tuple(settings.cqt.items()))


@lru_cache(maxsize=2)
def _png_encoder(
    sample_rate: int, cqt: tuple[tuple[str, Any], ...]
) -> Callable[[np.ndarray], bytes]:
    """To the PNG of the same log CQT that training computes from audio shards."""
    # One interval at a time on one thread: the levels depend on nothing but the interval.
    torch.set_num_threads(1)
    log_cqt = LogCQT(sample_rate, **dict(cqt))

    def encode(waveform: np.ndarray) -> bytes:
        with torch.inference_mode():
            decibels = log_cqt(torch.from_numpy(waveform)[None])[0]  # (F, T)
        return png_bytes(to_levels(decibels, log_cqt.range_db).numpy())

    return encode


def _add_song(
    tars: TaskTars, task: PackTask, folder: Path, number: int, song: Song, decode: Decode,
    encode: Callable[[np.ndarray], bytes],
) -> None:  # fmt: skip
    """Append a song's samples."""
    for interval, media, heard in _encoded(song, task.settings, folder, decode, encode):
        entry = SongEntry(
            song_id=song.song_id, recording_id=song.recording_id, key=str(song.key),
            label_source=song.label_source, confidence=song.confidence, intervals=0,
            genre=song.genre, identity=heard.text, content=song.content, name=song.name,
            seconds=heard.seconds, source=source_of(song),
        )  # fmt: skip
        sample_id = f"{task.name}_{number:04d}_{interval.index:05d}"
        tars.add(entry, sample_id, task.settings.extension, media, _info(interval, media))


def _encoded(
    song: Song,
    settings: PackSettings,
    folder: Path,
    decode: Decode,
    encode: Callable[[np.ndarray], bytes],
) -> Iterator[tuple[Interval, bytes, Identity]]:
    """A song's encoded intervals, each with the song's identity, all made before one is given.

    So a song that turns out to be damaged in its middle leaves nothing in the shard.
    """
    with tempfile.SpooledTemporaryFile(SPOOL_BYTES, dir=str(folder)) as spool:

        def spooled() -> tuple[list[tuple[Interval, int]], Identity]:
            spool.seek(0)
            rate, identity = settings.sample_rate, Identity()
            pieces = cut(song, rate, settings.interval_seconds, decode, identity)
            sizes = [(interval, spool.write(encode(waveform))) for interval, waveform in pieces]
            return sizes, identity

        sizes, identity = patiently(spooled)
        spool.seek(0)
        for interval, size in sizes:
            yield interval, spool.read(size), identity


def _info(interval: Interval, media: bytes) -> SampleInfo:
    return SampleInfo(
        song_id=interval.song.song_id, interval=interval.index,
        start_seconds=interval.start_seconds, duration_seconds=interval.duration_seconds,
        key=str(interval.song.key), label_source=interval.song.label_source,
        media_crc32=crc32(media),
    )  # fmt: skip
