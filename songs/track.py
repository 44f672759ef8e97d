"""A track of a DJ program's collection."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Track:
    """What the program says of it; the path is as it writes it, with '/' between its parts."""

    number: str  # in the collection, for messages
    artist: str
    title: str
    path: str
    key: str  # as parse_label reads it

    @property
    def file(self) -> str:
        """The file's name, without its folders."""
        return self.path.rpartition("/")[2]
