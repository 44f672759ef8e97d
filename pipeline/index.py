"""One index a split: where each interval lies, and what is known of each song, as columns.

It is made from the records of all shards together with the manifest, which names its sha256, and is
mapped into memory: processes of one machine share its pages. It is checked when shards are opened.
"""

from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from safetensors.numpy import save

from pipeline.bounded import ManifestError
from pipeline.manifest import Manifest
from pipeline.record import ShardRecord
from pipeline.songtable import TEXT_COLUMNS, SongRows, SplitSongs, Texts
from settings.marks import MARKS

INDEX_NAME = "index.safetensors"
INTERVAL_COLUMNS: dict[str, np.dtype[Any]] = {  # of each interval, in the order of the shards
    "media_offset": np.dtype(np.int64),  # bytes, in its shard
    "media_bytes": np.dtype(np.int32),
    "media_crc32": np.dtype(np.uint32),
    "song": np.dtype(np.int32),  # its song's row; the intervals of a song follow each other
}
# Of shards that others made: which interval of its medium it is, where one may hold several.
EXCERPT = "excerpt"
SONG_COLUMNS: dict[str, np.dtype[Any]] = {
    "key_id": np.dtype(np.uint8),
    "intervals": np.dtype(np.int32),
    "confidence": np.dtype(np.float32),
}


@dataclass(frozen=True)
class Index:
    """The intervals of a split in the order of its shards, (N,) columns, and its songs."""

    media_offset: np.ndarray
    media_bytes: np.ndarray
    media_crc32: np.ndarray
    song: np.ndarray
    songs: SplitSongs
    excerpt: np.ndarray | None = None  # int32; None where each medium is an interval


class IndexRows:
    """The rows of an index, added record by record without an object for each."""

    def __init__(self) -> None:
        self._columns = {name: array(dtype.char) for name, dtype in INTERVAL_COLUMNS.items()}
        self._excerpts: array[int] = array("i")
        self._songs = SongRows()

    def add(self, record: ShardRecord) -> None:
        """The rows of a shard's samples; the shards of a task come one after the other."""
        rows = [self._songs.add(song) for song in record.songs]
        for name in ("media_offset", "media_bytes", "media_crc32"):
            self._columns[name].extend(getattr(record, name))
        self._columns["song"].extend(rows[place] for place in record.song)
        if record.place:
            self._excerpts.extend(record.interval)

    def finish(self) -> Index:
        """All rows."""
        columns = {
            name: np.frombuffer(self._columns[name], dtype)
            for name, dtype in INTERVAL_COLUMNS.items()
        }
        excerpts = np.frombuffer(self._excerpts, np.int32) if self._excerpts else None
        return Index(**columns, songs=self._songs.finish(), excerpt=excerpts)


def index_bytes(index: Index) -> bytes:
    """The file: the same rows give the same bytes."""
    columns = {name: getattr(index, name) for name in INTERVAL_COLUMNS}
    if index.excerpt is not None:
        columns[EXCERPT] = index.excerpt
    columns |= {f"song.{name}": getattr(index.songs, name) for name in SONG_COLUMNS}
    for name in TEXT_COLUMNS:
        texts: Texts = getattr(index.songs, name)
        columns |= {f"song.{name}.utf8": texts.utf8, f"song.{name}.ends": texts.ends}
    for name in MARKS:
        if (digests := getattr(index.songs, name)) is not None:
            columns[f"song.{name}"] = digests
    return save(columns)


def open_index(path: Path, manifest: Manifest) -> Index:
    """The index at `path`; raises ManifestError unless it fits the shards of `manifest`."""
    index = mapped_index(path)
    if problem := _problem(index, manifest):
        raise ManifestError(f"{path}: {problem}; delete it, and pack again")
    return index


def mapped_index(path: Path) -> Index:
    """The index at `path`, of which no row is read; ManifestError where it is none."""
    try:
        # As torch's tensors, which are mapped; as numpy's they would be copied.
        with safetensors.safe_open(path, "pt") as file:
            columns = {name: file.get_tensor(name).numpy() for name in file.keys()}  # noqa: SIM118
        return _index(columns)
    except FileNotFoundError:
        raise ManifestError(f"{path}: not there; run just prepare-shards, which makes it") from None
    except (safetensors.SafetensorError, KeyError, TypeError, OSError) as error:
        raise ManifestError(f"{path}: not an index ({error}); delete it, and pack again") from None


def _index(columns: dict[str, np.ndarray]) -> Index:
    expected = INTERVAL_COLUMNS | {f"song.{name}": dtype for name, dtype in SONG_COLUMNS.items()}
    for name in TEXT_COLUMNS:
        expected |= {
            f"song.{name}.utf8": np.dtype(np.uint8), f"song.{name}.ends": np.dtype(np.int64)
        }  # fmt: skip
    optional: dict[str, np.dtype[Any]] = {f"song.{name}": np.dtype(np.uint64) for name in MARKS}
    optional[EXCERPT] = np.dtype(np.int32)
    expected |= {name: dtype for name, dtype in optional.items() if name in columns}
    for name, dtype in expected.items():
        if columns[name].dtype != dtype or columns[name].ndim != 1:
            raise TypeError(f"{name} is {columns[name].dtype}, {dtype} expected")
    texts: dict[str, Any] = {
        name: Texts(columns[f"song.{name}.utf8"], columns[f"song.{name}.ends"])
        for name in TEXT_COLUMNS
    }
    numbers: dict[str, Any] = {name: columns[f"song.{name}"] for name in SONG_COLUMNS}
    digests: dict[str, Any] = {name: columns.get(f"song.{name}") for name in MARKS}
    songs = SplitSongs(**numbers, **texts, **digests)
    intervals: dict[str, Any] = {name: columns[name] for name in INTERVAL_COLUMNS}
    return Index(**intervals, songs=songs, excerpt=columns.get(EXCERPT))


def _problem(index: Index, manifest: Manifest) -> str:
    """What is wrong with an index's numbers, empty if nothing: a reader trusts them afterwards."""
    counts = [shard.intervals for shard in manifest.shards]
    songs = index.songs
    if {len(getattr(index, name)) for name in INTERVAL_COLUMNS} != {sum(counts)}:
        return f"not of the {sum(counts)} intervals that the manifest names"
    if problem := _problem_of_excerpts(index, manifest):
        return problem
    if {len(getattr(songs, name)) for name in (*SONG_COLUMNS, *TEXT_COLUMNS)} != {len(songs)}:
        return "its columns of songs are of different lengths"
    if {len(songs.digests(name)) for name in MARKS} != {len(songs)}:
        return "its columns of recordings are of different lengths"
    if any(_torn(getattr(songs, name)) for name in TEXT_COLUMNS):
        return "its names are torn"
    if not _inside(index, manifest):
        return "an interval lies outside its shard"
    if len(songs) and songs.key_id.max() > 23:
        return "a song has none of the 24 keys"
    if not np.all((songs.confidence >= 0) & (songs.confidence < np.inf)):
        return "a label's confidence is no number from 0 on"
    if len(index.song) and not 0 <= index.song.min() <= index.song.max() < len(songs):
        return "an interval is of no song"
    if np.any(index.song[1:] < index.song[:-1]):
        return "its intervals are not in the order of their songs"
    if not np.array_equal(np.bincount(index.song, minlength=len(songs)), songs.intervals):
        return "its songs have other numbers of intervals"
    return ""


def _problem_of_excerpts(index: Index, manifest: Manifest) -> str:
    """They are there, one for each interval, where the shards are those of others."""
    foreign = any(shard.place for shard in manifest.shards if shard.intervals)
    if foreign != (index.excerpt is not None):
        return "made of shards that lie elsewhere, or not of those"
    if index.excerpt is None:
        return ""
    right = len(index.excerpt) == len(index.song) and index.excerpt.min(initial=0) >= 0
    return "" if right else "it names intervals before the beginning of their media"


def _inside(index: Index, manifest: Manifest) -> bool:
    """Whether all intervals lie in their shards."""
    shards = [shard for shard in manifest.shards if shard.intervals]
    if not shards:
        return True
    counts = np.array([shard.intervals for shard in shards])
    each_end = index.media_offset + index.media_bytes  # negative where the sum overflows
    ends = np.maximum.reduceat(each_end, np.cumsum(counts) - counts)
    least = min(index.media_offset.min(), index.media_bytes.min(), each_end.min())
    return bool(least >= 0 and np.all(ends <= [shard.bytes for shard in shards]))


def _torn(texts: Texts) -> bool:
    starts_and_ends = np.concatenate([[0], texts.ends])
    return bool(np.any(np.diff(starts_and_ends) < 0) or starts_and_ends[-1] != len(texts.utf8))
