"""From a folder of written music, or music21's corpus, to a note table: once, then it is there."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from songkey.errors import AudioKeyError, printable
from songs.labels import listed_rows
from songs.notetable import save_transcripts
from songs.ranking import UnusableError, one_key
from songs.rows import Row
from songs.song import LeftOut, by_reason
from synthesis.transcript import Transcript

CORPUS = "music21"  # in place of a folder's path

logger = logging.getLogger(__name__)


def make_table(path: str, table: Path) -> list[LeftOut]:
    """Write the note table of the music below `path`; gives what had to be left out.

    A folder may have a labels.tsv with keys; of a file that is not in it its own key counts.
    """
    # Seconds to import, and needed only where a table is made.
    from songs.notation import transcripts

    found: list[Transcript] = []
    left_out: list[LeftOut] = []
    for file, name, rows in tqdm(list(_files(path)), desc=path, unit="file", disable=None):
        try:
            label = one_key([row.key for row in rows]) if rows else None
        except UnusableError as error:
            left_out.append(LeftOut(name, str(error)))
            continue
        for one in transcripts(file, name, label):
            if isinstance(one, Transcript):
                found.append(one)
            else:
                left_out.append(one)
    if not found:
        raise AudioKeyError(
            f"scores: no piece with a key in {path}; give keys in its labels.tsv; "
            f"left out: {by_reason(left_out)}"
        )
    save_transcripts(table, found)
    return left_out


def _files(path: str) -> Iterator[tuple[Path, str, Sequence[Row]]]:
    """Each file with its name and the rows of the label file that mean it."""
    if path == CORPUS:
        import music21

        from songs.corpus import corpus_files

        root = Path(music21.__file__).parent / "corpus"
        yield from ((file, file.relative_to(root).as_posix(), ()) for file in corpus_files(root))
        return
    from songs.notation import MIDI, WRITTEN

    root = Path(path)
    files = sorted(file for file in root.rglob("*") if file.suffix.lower() in MIDI | WRITTEN)
    if not files:
        endings = " ".join(sorted(MIDI | WRITTEN))
        raise AudioKeyError(
            f"{path}: no such folder, or no written music in it; looked for {endings}"
        )
    names = [file.relative_to(root).as_posix() for file in files]
    rows_of, _ = listed_rows(root, names)
    doubts = [
        LeftOut(name, row.doubt) for name in names for row in rows_of.get(name, ())[:1] if row.doubt
    ]
    if doubts:
        logger.warning("%s: doubtful labels: %s", printable(root), by_reason(doubts))
    for file, name in zip(files, names, strict=True):
        yield file, name, rows_of.get(name, ())
