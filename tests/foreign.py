"""WebDatasets as others make them: any format, rate and length, keys written in any way."""

import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import soundfile
import webdataset as wds

from songs import synthetic
from songs.song import Song

RATE = 22_050
SECONDS = 9.0
FORMATS = ("flac", "wav", "mp3", "ogg")


def some_songs(count: int, seed: int = 5) -> list[Song]:
    """Songs of nine seconds."""
    return synthetic.songs(count, SECONDS, seed)


def sound(song: Song, ending: str = "flac", rate: int = RATE) -> bytes:
    """The song as a stereo file, its right channel fainter."""
    waveform = 0.5 * synthetic.render(song.audio_path, rate)
    file = io.BytesIO()
    soundfile.write(file, np.stack([waveform, 0.5 * waveform], 1), rate, format=ending)
    return file.getvalue()


def labelled(number: int, song: Song) -> dict[str, bytes]:
    """The song's key, in one of three ways."""
    ways: tuple[dict[str, bytes], ...] = (
        {"json": json.dumps({"title": "?", "key": str(song.key)}).encode()},
        {"cls": f"{song.key.id}\n".encode()},
        {"txt": song.key.camelot.encode()},
    )
    return ways[number % 3]


def write_by_webdataset(folder: Path, samples: Iterable[Mapping[str, bytes]], a_shard: int) -> None:
    """Shards 000000.tar and so on of so many samples each, by webdataset's own writer."""
    folder.mkdir(parents=True, exist_ok=True)
    pattern = f"{folder}/%06d.tar"
    with wds.ShardWriter(pattern, maxcount=a_shard, verbose=0) as writer:
        for number, sample in enumerate(samples):
            writer.write({"__key__": f"{number:05d}", **sample})


def write_by_tarfile(path: Path, files: Mapping[str, bytes], format: int) -> None:
    """A tar of these files and of the folders that they lie in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=format) as tar:
        for name, data in files.items():
            folder = tarfile.TarInfo(name.rpartition("/")[0] or ".")
            folder.type = tarfile.DIRTYPE
            tar.addfile(folder)
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1.5
            tar.addfile(info, io.BytesIO(data))
