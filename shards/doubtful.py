"""The list beside the shards of the songs whose labels are doubtful, each with what is against it.

They are packed. What left_out.tsv lists is not, but for rows of tables that are no songs' names.
"""

from collections.abc import Iterable

from shards.leftout import left_out_table, write_list
from shards.splitfolder import remove
from songs.rows import is_row
from songs.song import LeftOut, Song
from storage.places import Place

DOUBTFUL_NAME = "doubtful.tsv"


def doubtful(songs: Iterable[Song], left_out: Iterable[LeftOut]) -> list[LeftOut]:
    """The songs with doubtful labels, but those that were left out."""
    lost = {one.song_id for one in left_out if not is_row(one)}
    return [
        LeftOut(song.song_id, song.doubt)
        for song in songs
        if song.doubt and song.song_id not in lost
    ]


def write_doubtful(folder: Place, found: list[LeftOut]) -> None:
    """Write the list; none where no label is doubtful."""
    if found:
        write_list(folder, DOUBTFUL_NAME, left_out_table(found))
    else:
        remove(folder, DOUBTFUL_NAME)


def copy_doubtful(source: Place, folder: Place) -> None:
    """What is doubtful of the audio is doubtful here too: its list, copied."""
    if (source / DOUBTFUL_NAME).exists():
        write_list(folder, DOUBTFUL_NAME, (source / DOUBTFUL_NAME).read_bytes())
    else:
        remove(folder, DOUBTFUL_NAME)
