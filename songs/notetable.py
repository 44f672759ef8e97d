"""A note table: thousands of transcripts in one small file (.npz) that opens in a moment."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from songkey.keys import Key
from synthesis.score import Note
from synthesis.transcript import VELOCITY, Transcript


def save_transcripts(path: Path, transcripts: Sequence[Transcript]) -> None:
    """Write the table, whole or not at all."""
    rows = [
        (note.start_beats, note.beats, note.pitch, part)
        for transcript in transcripts
        for part, notes in enumerate(transcript.parts)
        for note in notes
    ]
    start_beats, beats, pitch, part = np.array(rows, np.float32).reshape(-1, 4).T
    partial = path.with_suffix(".part.npz")
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        partial,
        start_beats=start_beats,
        beats=beats,
        pitch=pitch.astype(np.uint8),
        part=part.astype(np.uint8),
        ends=np.cumsum([sum(map(len, one.parts)) for one in transcripts], dtype=np.int64),
        name=np.array([one.name for one in transcripts]),
        key_id=np.array([one.key.id for one in transcripts], np.uint8),
        bar_beats=np.array([one.bar_beats for one in transcripts], np.float32),
    )
    partial.replace(path)


class NoteTable:
    """The transcripts of a table, each made when it is asked for."""

    def __init__(self, path: Path):
        with np.load(path) as table:
            self.columns = {name: table[name] for name in table.files}
        self.bounds = list(pairwise([0, *self.columns["ends"].tolist()]))
        many = np.array([self.columns["part"][first:last].max() > 0 for first, last in self.bounds])
        self.tunes, self.ensembles = np.flatnonzero(~many), np.flatnonzero(many)

    def __len__(self) -> int:
        return len(self.bounds)

    def __getitem__(self, index: int) -> Transcript:
        first, last = self.bounds[index]
        columns = self.columns
        parts: dict[int, list[Note]] = {}
        names = ("part", "start_beats", "beats", "pitch")
        rows = zip(*(columns[name][first:last].tolist() for name in names), strict=True)
        for part, start_beats, beats, pitch in rows:
            parts.setdefault(part, []).append(Note(start_beats, beats, pitch, VELOCITY))
        return Transcript(
            name=str(columns["name"][index]),
            key=Key.from_id(int(columns["key_id"][index])),
            bar_beats=float(columns["bar_beats"][index]),
            parts=tuple(map(tuple, parts.values())),
        )
