"""Files of the shape of the GiantSteps repositories, with made-up sound, and a web with them."""

import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from conftest import settings
from http_server import Server

from pipeline.manifest import read_songs

NUMBERS: dict[str, int] = {}  # of songs in all repositories, whose sounds are all different


def sound(number: int, seconds: int = 4) -> bytes:
    """A tone as MP3, for each number another."""
    buffer = io.BytesIO()
    tone = 0.3 * np.sin(np.arange(seconds * 11_025) * (0.03 + 0.001 * number))
    soundfile.write(buffer, tone, 11_025, format="MP3")
    return buffer.getvalue()


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


@dataclass
class Repository:
    """The files of a repository and the sounds of its songs, as a test wants them."""

    texts: dict[str, str] = field(default_factory=dict)
    sounds: dict[str, bytes] = field(default_factory=dict)

    def add(self, song_id: str, key_file: str) -> None:
        self.sounds[song_id] = sound(NUMBERS.setdefault(song_id, len(NUMBERS)))
        self.texts[f"annotations/key/{song_id}.LOFI.key"] = key_file
        self.texts[f"md5/{song_id}.LOFI.md5"] = md5(self.sounds[song_id])

    def archive(self) -> bytes:
        """As GitHub makes it: all below one folder."""
        return zipped({f"giantsteps-master/{name}": text for name, text in self.texts.items()})

    def write(self, root: Path) -> Path:
        for name, text in self.texts.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return root

    def served(self) -> dict[str, bytes]:
        songs = {f"/songs/{name}.LOFI.mp3": data for name, data in self.sounds.items()}
        return {"/repository.zip": self.archive(), **songs}


def mirror(dataset: str, server: Server) -> list[str]:
    """The settings that send a data set's downloads to `server`."""
    return [
        f'datasets.{dataset}.annotations=["{server.url("/repository.zip")}"]',
        f'datasets.{dataset}.audio=["{server.url("/songs/{id}.LOFI.mp3")}"]',
    ]


def words(folder: Path, dataset: str, server: Server, *overrides: str) -> list[str]:
    """A command line whose downloads of a data set go to `server`, without patience."""
    return settings(
        folder,
        f'download.dir="{folder}/downloads"',
        "download.retries=1",
        "download.first_delay_seconds=0.01",
        *mirror(dataset, server),
        *overrides,
    )


def packed_songs(folder: Path, dataset: str) -> dict[str, dict[str, tuple[str, str]]]:
    """Of each split, key and recording of its songs."""
    found = {}
    for manifest in sorted((folder / "shards/audio" / dataset).glob("*/manifest.json.zst")):
        of_split = read_songs(manifest.parent)
        found[manifest.parent.name] = {s.song_id: (s.key, s.recording_id) for s in of_split}
    return found


def left_out(folder: Path, dataset: str) -> dict[str, str]:
    lines = (folder / "shards/audio" / dataset / "left_out.tsv").read_text().splitlines()[1:]
    return dict(line.split("\t") for line in lines)
