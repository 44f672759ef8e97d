"""Keys written in files: a system's answers and the true ones, matched by song."""

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from evaluation.answers import Answers
from keys import KEYS, Key, KeyParseError, parse_key, relation
from model.metrics import RELATION_INDEX, RELATIONS, MirexScore
from pipeline.files import AUDIO_ENDINGS
from pipeline.manifest import write_whole

ID_NAMES = ("song_id", "id", "path", "file", "filename", "track", "song", "name")
TRUTH_NAMES = ("key", "tonality", "annotation", "label", "true_key")
ESTIMATE_NAMES = (
    "estimate", "estimated", "estimated_key", "prediction", "predicted", "predicted_key",
    "detected_key", "key", "tonality",
)  # fmt: skip
ENDINGS = (".key", *AUDIO_ENDINGS)

Row = tuple[str, str]  # a song's id and its key as written


class PredictionsError(ValueError):
    """Files of keys that cannot be read or matched."""


@dataclass(frozen=True)
class Comparison:
    """A system's answers against the truth; what could not be compared is named."""

    score: MirexScore
    without_answer: tuple[str, ...]  # songs that have a key but no answer
    without_truth: tuple[str, ...]  # answers to songs that have no key
    unreadable_truth: tuple[str, ...]
    answers_without_key: int  # counted as wrong: "unknown" is an answer


def write_predictions(path: Path, answers: Answers) -> None:
    """One line a song: the true key, the estimate, their relation, and all 24 probabilities."""
    header = ["dataset", "song_id", "key", "estimate", "relation", "confidence", "intervals"]
    text = io.StringIO()
    table = csv.writer(text, delimiter="\t", lineterminator="\n")
    table.writerow([*header, *KEYS])
    for song in answers.songs:
        estimate = song.estimate
        row = [
            song.dataset, song.song_id, song.key, estimate.key, relation(estimate.key, song.key),
            f"{estimate.confidence:.4f}", song.intervals.total,
            *(f"{probability:.6f}" for probability in estimate.probabilities),
        ]  # fmt: skip
        table.writerow(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.getvalue().encode())


def compare(predictions: Path, annotations: Path) -> Comparison:
    """Score a file of answers against a file, or a folder of <id>.key files, of true keys."""
    answer_rows = _read_keys(predictions, ESTIMATE_NAMES)
    truth_rows = _read_keys(annotations, TRUTH_NAMES)
    name_of = _naming(answer_rows, truth_rows)
    answers = _by_name(predictions, answer_rows, name_of)
    texts = _by_name(annotations, truth_rows, name_of)
    truths = {song: key for song, text in texts.items() if (key := _key_or_none(text))}
    if not truths:
        first = truth_rows[0]
        raise PredictionsError(
            f"{annotations}: no key in it parses (first: {first[0]} {first[1]!r})"
        )
    estimates = {song: _key_or_none(answers[song]) for song in truths if song in answers}
    if not estimates:
        raise PredictionsError(
            f"{predictions}: no song of it is in {annotations} (first ids: {answer_rows[0][0]}, "
            f"{truth_rows[0][0]}); ids are compared without file ending and, unless file names "
            "repeat, without folder"
        )
    return Comparison(
        _score(estimates, truths),
        without_answer=tuple(song for song in truths if song not in answers),
        without_truth=tuple(song for song in answers if song not in texts),
        unreadable_truth=tuple(f"{song} ({texts[song]!r})" for song in texts if song not in truths),
        answers_without_key=sum(estimate is None for estimate in estimates.values()),
    )


def _score(estimates: dict[str, Key | None], truths: dict[str, Key]) -> MirexScore:
    """The score of each song's estimate; no key is as wrong as any other."""
    relations = Counter(
        RELATION_INDEX[estimate.id, truths[song].id] if estimate else len(RELATIONS) - 1
        for song, estimate in estimates.items()
    )
    return MirexScore(*(relations[place] for place in range(len(RELATIONS))))


def _key_or_none(text: str) -> Key | None:
    try:
        return parse_key(text)
    except KeyParseError:
        return None


def _read_keys(path: Path, key_names: tuple[str, ...]) -> list[Row]:
    """The rows of a TSV or CSV file or a folder of .key files, whose first column is the key."""
    if path.is_dir():
        files = sorted(path.glob("*.key"))
        rows = [(file.name, _text(file).partition("\t")[0].strip()) for file in files]
    elif path.is_file():
        rows = _read_table(path, key_names)
    else:
        raise PredictionsError(f"{path}: no such file or folder")
    if not rows:
        raise PredictionsError(
            f"{path}: no keys in it; give a TSV or CSV of id and key, or a folder of .key files"
        )
    return rows


def _read_table(path: Path, key_names: tuple[str, ...]) -> list[Row]:
    """The id and key columns: by their header or, without one, the first two."""
    text = _text(path)
    first = text.strip("\r\n").partition("\n")[0]
    delimiter = "\t" if "\t" in first else max(",;", key=first.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise PredictionsError(f"{path}: not a table of id and key: {error}") from error
    numbered = [(at, line) for at, line in enumerate(lines, 1) if any(map(str.strip, line))]
    columns = _columns(path, numbered[0][1], key_names) if numbered else None
    song, key = columns or (0, 1)
    for number, line in numbered:
        if len(line) <= max(song, key):
            raise PredictionsError(f"{path}: row {number} has {len(line)} columns: {line}")
    return [(line[song].strip(), line[key].strip()) for _, line in numbered[bool(columns) :]]


def _columns(path: Path, first: list[str], key_names: tuple[str, ...]) -> tuple[int, int] | None:
    """Where id and key are, if the first line is a header; of two columns it may name one only."""
    header = [cell.strip().lower().replace(" ", "_") for cell in first]
    song = next((header.index(name) for name in ID_NAMES if name in header), None)
    key = next((header.index(name) for name in key_names if name in header), None)
    if song is None and key is None:
        return None
    if len(header) == 2:
        return (1 - key if song is None else song), (1 - song if key is None else key)
    for place, what, names in ((song, "ids", ID_NAMES), (key, "keys", key_names)):
        if place is None:
            raise PredictionsError(
                f"{path}: which column of {', '.join(first)} holds the {what}? "
                f"Name it one of {', '.join(names)}"
            )
    return song, key


def _text(path: Path) -> str:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return file.read()
    except UnicodeDecodeError:
        raise PredictionsError(f"{path}: not a text in UTF-8; save it as one") from None


def _naming(*tables: list[Row]) -> Callable[[str], str]:
    """How ids are compared: without folders, unless that makes two songs of a table one."""
    shortened = ([_without_folder(song) for song, _ in rows] for rows in tables)
    repeats = any(len(set(names)) < len(names) for names in shortened)
    return _without_ending if repeats else _without_folder


def _by_name(path: Path, rows: list[Row], name_of: Callable[[str], str]) -> dict[str, str]:
    names = [name_of(song) for song, _ in rows]
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise PredictionsError(f"{path}: {repeated[0]} is in it more than once; keep one row of it")
    return {name: key for name, (_, key) in zip(names, rows, strict=True)}


def _without_folder(song: str) -> str:
    return PurePosixPath(_without_ending(song)).name


def _without_ending(song: str) -> str:
    """A path with slashes, composed accents, and no ending of an audio or key file."""
    path = unicodedata.normalize("NFC", song.replace("\\", "/"))
    ending = PurePosixPath(path).suffix
    return path[: -len(ending)] if ending.lower() in ENDINGS else path
