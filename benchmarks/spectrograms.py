"""PNG shards from audio shards, in one process, against decode + CQT + PNG in a bare loop."""

import tempfile

import torch

from benchmarks.songs import packed, written_songs
from benchmarks.turns import median_seconds, report
from evaluation.listener import shards_of
from pipeline.cqt import LogCQT
from pipeline.flac import decode_flac
from pipeline.image import png_bytes, to_levels
from pipeline.shardset import ShardReader
from settings.sections import Config
from shards.spectrograms import create_spectrograms

SONGS, SONG_SECONDS, LEAST = 8, 120, 0.80


def measure() -> None:
    """Print the rate of making spectrograms of audio shards beside the bare loop's."""
    with tempfile.TemporaryDirectory() as folder:
        songs = written_songs(folder, SONGS, SONG_SECONDS)
        config = packed(songs, folder, "audio", "prepare.workers=1")
        shards = shards_of(config, config, ["bench"], "train")
        reader = ShardReader(shards)
        media = [reader.read(number).media for number in range(shards.total)]
        ours, bare = median_seconds(
            [
                lambda: create_spectrograms("bench", config, overwrite=True),
                lambda: _bare(media, config),
            ],
            runs=5,
        )
    report(f"spectrograms of {len(media)} audio intervals, one process", ours, bare, LEAST)


def _bare(media: list[bytes], config: Config) -> None:
    """Intervals in memory, one thread as in packing: nothing is read, checked or kept."""
    torch.set_num_threads(1)
    log_cqt = LogCQT(config.audio.sample_rate, **config.cqt.shape)
    for flac in media:
        waveform = torch.from_numpy(decode_flac(flac, config.interval_samples))  # (S,)
        with torch.inference_mode():
            decibels = log_cqt(waveform[None])[0]  # (F, T)
        png_bytes(to_levels(decibels, log_cqt.range_db).numpy())
