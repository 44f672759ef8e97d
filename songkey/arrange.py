"""The order that rows are printed in: the files' own, or how well they mix with another song."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from songkey.keys import Key
from songkey.matches import match, rank
from songkey.row import Row

Rows = Iterable[tuple[int, Row | None]]  # each by its file's number, None where it has no answer


def as_they_come(rows: Rows) -> Iterator[Row]:
    """Each row at once."""
    return (row for _, row in rows if row)


def in_order(rows: Rows) -> Iterator[Row]:
    """The rows by their numbers from 0, each as soon as those before it are there."""
    held: dict[int, Row | None] = {}
    turn = 0
    for number, row in rows:
        held[number] = row
        while turn in held:
            if ready := held.pop(turn):
                yield ready
            turn += 1


def mixing(rows: Rows, playing: Key, song: Path) -> list[Row]:
    """The rows of what mixes with a key, the best first, without the `song` that it is of."""
    ranked = [
        (place, number, replace(row, match=match(row.heard.estimate.key, playing)))
        for number, row in rows
        if row and (place := rank(row.heard.estimate, playing)) and row.path.resolve() != song
    ]
    return [row for *_, row in sorted(ranked, key=lambda one: one[:2])]
