"""Keys written in files: a system's answers and the true ones, matched by song."""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from answers import Answers
from keys import KEYS, Key, KeyParseError, parse_key, relation
from model.metrics import RELATION_INDEX, RELATIONS, MirexScore
from pipeline.manifest import write_whole

ID_NAMES = ("song_id", "id", "path", "file", "filename", "track", "song", "name")
ESTIMATE_NAMES = ("estimate", "prediction", "predicted_key", "estimated_key", "key", "tonality")
TRUTH_NAMES = ("key", "tonality", "annotation", "label", "true_key")
ENDINGS = (
    ".key",
    ".wav",
    ".flac",
    ".mp3",
    ".ogg",
    ".opus",
    ".m4a",
    ".aac",
    ".aif",
    ".aiff",
    ".wma",
)


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
    lines = ["\t".join([*header, *map(str, KEYS)])]
    for song in answers.songs:
        estimate = song.estimate
        row = [
            song.dataset, song.song_id, song.key, estimate.key, relation(estimate.key, song.key),
            f"{estimate.confidence:.4f}", song.intervals,
            *(f"{probability:.6f}" for probability in estimate.probabilities),
        ]  # fmt: skip
        lines.append("\t".join(map(str, row)))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, ("\n".join(lines) + "\n").encode())


def compare(predictions: Path, annotations: Path) -> Comparison:
    """Score a file of answers against a file, or a folder of <id>.key files, of true keys."""
    answers = _read_keys(predictions, ESTIMATE_NAMES)
    truth_texts = _read_keys(annotations, TRUTH_NAMES)
    truths, unreadable = {}, []
    for song, text in truth_texts.items():
        try:
            truths[song] = parse_key(text)
        except KeyParseError:
            unreadable.append(f"{song} ({text!r})")
    both = [song for song in truths if song in answers]
    if not both:
        raise PredictionsError(
            f"{predictions}: no song of it is in {annotations} (first ids: "
            f"{next(iter(answers), 'none')}, {next(iter(truth_texts), 'none')}); "
            "ids are compared without folder and file ending"
        )
    relations, no_key = Counter(), 0
    for song in both:
        estimate = _key_or_none(answers[song])
        no_key += estimate is None
        wrong = len(RELATIONS) - 1
        relations[RELATION_INDEX[estimate.id, truths[song].id] if estimate else wrong] += 1
    score = MirexScore(*(relations[place] for place in range(len(RELATIONS))))
    return Comparison(
        score,
        without_answer=tuple(song for song in truths if song not in answers),
        without_truth=tuple(song for song in answers if song not in truth_texts),
        unreadable_truth=tuple(unreadable),
        answers_without_key=no_key,
    )


def _key_or_none(text: str) -> Key | None:
    try:
        return parse_key(text)
    except KeyParseError:
        return None


def _read_keys(path: Path, key_names: tuple[str, ...]) -> dict[str, str]:
    """{song: key as written} of a TSV or CSV file or a folder of .key files."""
    if path.is_dir():
        pairs = [(file.name, file.read_text().strip()) for file in sorted(path.glob("*.key"))]
    elif path.is_file():
        pairs = _read_table(path, key_names)
    else:
        raise PredictionsError(f"{path}: no such file or folder")
    if not pairs:
        raise PredictionsError(f"{path}: no keys in it; give a TSV or CSV of id and key")
    return _by_song(path, pairs)


def _read_table(path: Path, key_names: tuple[str, ...]) -> list[tuple[str, str]]:
    """The id and key columns: by their header or, without a known header, the first two."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    delimiter = "\t" if lines and "\t" in lines[0] else ","
    rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    header = [cell.strip().lower().replace(" ", "_") for cell in rows[0]] if rows else []
    ids = [header.index(name) for name in ID_NAMES if name in header]
    keys = [header.index(name) for name in key_names if name in header]
    song, key = (ids[0], keys[0]) if ids and keys else (0, 1)
    found = rows[1:] if ids and keys else rows
    for number, row in enumerate(found, start=1):
        if len(row) <= max(song, key):
            raise PredictionsError(f"{path}: row {number} has {len(row)} columns: {row}")
    return [(row[song].strip(), row[key].strip()) for row in found]


def _by_song(path: Path, pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Ids without folder and file ending; where that makes two songs one, without ending only."""
    short = [_without_ending(PurePosixPath(name.replace("\\", "/")).name) for name, _ in pairs]
    names = short if len(set(short)) == len(short) else [_without_ending(n) for n, _ in pairs]
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise PredictionsError(f"{path}: {repeated[0]} is in it more than once; keep one row of it")
    return {name: key for name, (_, key) in zip(names, pairs, strict=True)}


def _without_ending(name: str) -> str:
    ending = PurePosixPath(name).suffix.lower()
    return name[: -len(ending)] if ending in ENDINGS else name
