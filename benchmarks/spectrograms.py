"""PNG shards from audio shards, in one process, against decode + CQT + PNG in a bare loop.

python -m benchmarks.spectrograms
"""

import tempfile
from pathlib import Path

import torch

from benchmarks.songs import flac_song
from benchmarks.turns import median_seconds, report
from pipeline.cqt import LogCQT
from pipeline.flac import decode_flac
from pipeline.image import png_bytes, to_levels
from pipeline.manifest import read_manifest, read_record
from pipeline.shardset import split_folder
from settings.config import load_config
from settings.sections import Config
from shards.prepare import prepare
from shards.shardfile import read_samples
from shards.spectrograms import create_spectrograms

SONGS, SONG_SECONDS, SAMPLE_RATE, LEAST = 8, 120, 44100, 0.80


def measure() -> None:
    """Print the rate of making spectrograms of audio shards beside the bare loop's."""
    with tempfile.TemporaryDirectory() as folder:
        config = load_config(None, [f'prepare.shards_dir="{folder}/shards"', "prepare.workers=1"])
        songs = [flac_song(Path(folder), n, SONG_SECONDS, SAMPLE_RATE) for n in range(SONGS)]
        prepare("bench", songs, [], "audio", config)
        media = _media(config)
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


def _media(config: Config) -> list[bytes]:
    folder = split_folder(config.prepare.shards_dir, "audio", "bench", "train")
    records = (read_record(folder, shard.name) for shard in read_manifest(folder).shards)
    return [sample.media for record in records for sample in read_samples(folder, record)]


if __name__ == "__main__":
    measure()
