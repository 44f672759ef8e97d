"""Intervals of music without labels: levels of their log CQT on the disk, mapped into memory.

Two files: `<name>.levels`, uint8 (N, F + 2M, T) and nothing else, and `<name>.json`, which says
what they are. It is written last, so that levels count only when all of them are there.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from pipeline.songtable import digest
from storage.whole import remove_leftovers, write_whole, writing

OneSong = tuple[str, int]  # its path in the folder, its intervals
LeftOutSong = tuple[str, str]  # its path, the reason


@dataclass(frozen=True)
class Unlabelled:
    """The intervals of the songs of a folder; no key is known, nor looked for."""

    levels: np.ndarray  # (N, F + 2M, T) uint8, mapped
    songs: tuple[OneSong, ...]
    left_out: tuple[LeftOutSong, ...]
    fingerprint: str
    identities: tuple[str, ...] = ()  # of the songs' sounds; not known to older versions

    @property
    def digests(self) -> np.ndarray:
        """(songs,) uint64: what recordings are known by, 0 where it is unknown."""
        known = [digest(identity) for identity in self.identities]
        return np.array(known or [0] * len(self.songs), np.uint64)

    @property
    def song_index(self) -> Tensor:
        """(N,) int64: of which song each interval is."""
        counts = torch.tensor([intervals for _, intervals in self.songs])
        return torch.arange(len(self.songs)).repeat_interleave(counts)


def open_unlabelled(folder: Path, fingerprint: str) -> Unlabelled | None:
    """What was made under this fingerprint, None where that is not whole."""
    levels, description = _files(folder, fingerprint)
    if not description.is_file():
        return None
    said = json.loads(description.read_text("utf-8"))
    songs, left_out = (tuple((name, what) for name, what in said[n]) for n in ("songs", "left_out"))
    shape = (sum(count for _, count in songs), *said["shape"])
    if not levels.is_file() or levels.stat().st_size != np.prod(shape, dtype=np.int64):
        return None
    # An empty file cannot be mapped.
    mapped = np.memmap(levels, np.uint8, "r", shape=shape) if songs else np.zeros(shape, np.uint8)
    return Unlabelled(mapped, songs, left_out, fingerprint, tuple(said.get("identities", ())))


@contextmanager
def writing_unlabelled(
    folder: Path, fingerprint: str, shape: tuple[int, int], left_out: list[LeftOutSong],
    identities: list[str],
) -> Iterator[Callable[[str, Iterator[np.ndarray]], None]]:  # fmt: skip
    """Gives what adds a song by its name and levels (B, F + 2M, T); whole when the block ends well.

    What is in `left_out` and in `identities`, of the songs that were added, by then is kept with
    them. A song whose levels end in an error adds none.
    """
    songs: list[OneSong] = []
    levels, description = _files(folder, fingerprint)
    remove_leftovers(folder)
    with writing(levels) as temporary, temporary.open("wb") as file:

        def add(name: str, batches: Iterator[np.ndarray]) -> None:
            start = file.tell()
            try:
                songs.append((name, sum(_written(batch, file) for batch in batches)))
            except BaseException:
                file.seek(start)
                file.truncate()
                raise

        yield add
        file.flush()
    said = {"shape": shape, "songs": songs, "left_out": left_out, "identities": identities}
    write_whole(description, json.dumps(said).encode())


def _written(batch: np.ndarray, file: BinaryIO) -> int:
    file.write(batch.tobytes())
    return len(batch)


def _files(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.levels", folder / f"{name}.json"
