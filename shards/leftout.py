"""The list beside the shards of the songs that were left out, each with its reason."""

import csv
import io
from collections.abc import Sequence

from shards.splitfolder import remove
from songs.song import LeftOut
from storage.places import Place
from storage.whole import write_whole

LEFT_OUT_NAME = "left_out.tsv"


def write_left_out(folder: Place, table: bytes) -> None:
    """Write the list of what was left out, unless it is there already."""
    write_list(folder, LEFT_OUT_NAME, table)


def write_list(folder: Place, name: str, table: bytes) -> None:
    """Write a list beside the shards, unless it is there already."""
    remove(folder, f".{name}.*.tmp")  # by runs that were killed
    path = folder / name
    if not path.exists() or path.read_bytes() != table:
        write_whole(path, table)


def left_out_table(left_out: Sequence[LeftOut]) -> bytes:
    """A list of songs and reasons, as a TSV file."""
    table = io.StringIO()
    rows = csv.writer(table, delimiter="\t", lineterminator="\n")
    rows.writerow(["song_id", "reason"])
    rows.writerows((one.song_id, one.reason) for one in left_out)
    return table.getvalue().encode()


def copy_left_out(source: Place, folder: Place) -> tuple[LeftOut, ...]:
    """What packing the audio left out is left out here too: its list, copied."""
    if not (source / LEFT_OUT_NAME).exists():
        return ()
    data = (source / LEFT_OUT_NAME).read_bytes()
    write_left_out(folder, data)
    _, *rows = csv.reader(io.StringIO(data.decode(), newline=""), delimiter="\t")
    return tuple(LeftOut(song_id, reason) for song_id, reason in rows)
