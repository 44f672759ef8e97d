"""What lies beside the shards of a split: the manifest, written last, and a table of songs."""

from collections.abc import Iterable, Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from pipeline.bounded import MOST_MANIFEST_BYTES, packed, unpacked, unpacked_lines
from pipeline.pack_settings import PackSettings
from pipeline.record import SongEntry
from pipeline.strict import (
    Bytes,
    Count,
    Counts,
    Frozen,
    Sha256,
    TarName,
    Tuple,
    parse,
    refuse_more_than,
)
from storage.places import Place, place_of
from storage.whole import write_whole

MANIFEST_NAME = "manifest.json.zst"
SONGS_NAME = "songs.jsonl.zst"


class ManifestShard(Frozen):
    """One line of a manifest."""

    name: TarName
    songs: Count
    intervals: Count
    bytes: Bytes
    sha256: Sha256
    # Where the tar lies, if others made it: then not beside the manifest.
    place: str = Field(default="", exclude_if=lambda place: not place)

    def lies_in(self, folder: Place) -> Place:
        """The tar of this line of the manifest in `folder`."""
        return place_of(self.place) if self.place else folder / self.name


class Manifest(Frozen):
    """All shards of one split of one data set in one format."""

    settings: PackSettings
    fingerprint: str
    shards: Tuple[ManifestShard]
    songs_by_key: Counts
    left_out_by_reason: Counts
    # Of the index; not written by those who packed before there was one.
    index_sha256: Sha256 | Literal[""] = Field(default="", exclude_if=lambda sha256: not sha256)

    # Of the table of changes, and how often tables have been made anew: not written where there is
    # none, and the first time.
    changes_sha256: Sha256 | Literal[""] = Field(default="", exclude_if=lambda sha256: not sha256)
    generation: Count = Field(default=0, exclude_if=lambda generation: not generation)
    # Which songs of the whole data set it was made for; of no meaning to the shards themselves.
    listing: str = Field(default="", exclude_if=lambda listing: not listing)

    def table(self, name: str) -> str:
        """The name of a table that belongs to this manifest: 'index-2.safetensors'.

        Each generation has its own, so that the manifest alone says which ones count.
        """
        stem, _, ending = name.partition(".")
        return f"{stem}-{self.generation}.{ending}" if self.generation else name

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if len({shard.name for shard in self.shards}) < len(self.shards):
            raise ValueError("it names a shard twice")
        return self


def write_manifest(folder: Place, manifest: Manifest) -> None:
    """Write a split's manifest: the last file of packing."""
    path, data = folder / MANIFEST_NAME, manifest.model_dump_json(indent=1).encode()
    refuse_more_than(MOST_MANIFEST_BYTES, path, data)
    write_whole(path, packed([data]))


def read_manifest(folder: Place) -> Manifest:
    """The manifest of a split's folder; raises ManifestError when it is missing or damaged."""
    path = folder / MANIFEST_NAME
    return parse(Manifest, path, b"".join(unpacked(path, MOST_MANIFEST_BYTES)))


def write_songs(folder: Place, songs: Iterable[SongEntry], name: str = SONGS_NAME) -> None:
    """Write the table of songs, one JSON line each, in the order of the shards."""
    lines = (f"{song.model_dump_json()}\n".encode() for song in songs)
    write_whole(folder / name, packed(lines))


def read_songs(folder: Place) -> Iterator[SongEntry]:
    """The songs of a split in the order of its shards; one that goes on in a further tar twice."""
    path = folder / read_manifest(folder).table(SONGS_NAME)
    for line in unpacked_lines(path):
        yield parse(SongEntry, path, line)
