"""Keys written in files: a system's answers and the true ones, matched by song."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.answers import SongAnswer
from evaluation.keycolumns import ESTIMATE_NAMES, TRUTH_NAMES
from evaluation.keyfiles import PredictionsError, read_keys
from evaluation.songids import by_name, contradict, naming
from model.metrics import MirexScore, relations_of, score_of_relations
from songkey.keynames import is_ambiguous, key_or_none, names_no_key
from songkey.keys import KEYS, relation
from storage.whole import write_whole


@dataclass(frozen=True)
class Comparison:
    """A system's answers against the truth; what could not be compared is named."""

    score: MirexScore
    without_answer: tuple[str, ...]  # songs that have a key but no answer
    without_truth: tuple[str, ...]  # answers to songs that have no key
    unreadable_truth: tuple[str, ...]
    keyless: tuple[str, ...]  # songs of which the truth says that they have no key
    answers_without_key: int  # counted as wrong: "unknown" is an answer
    repeated: tuple[str, ...]  # songs given twice with one key, counted once
    in_other_folders: tuple[str, ...]  # answers, each with the song that it is taken to mean
    ambiguous: tuple[str, ...] = ()  # among answers without key: songs, each with what is written


def write_predictions(path: Path, songs: Sequence[SongAnswer]) -> None:
    """One line a song: the true key, the estimate, their relation, and all 24 probabilities."""
    header = [
        "dataset", "song_id", "key", "estimate", "relation", "confidence", "intervals",
        "lost_intervals", "label_source", "genre",
    ]  # fmt: skip
    text = io.StringIO()
    table = csv.writer(text, delimiter="\t", lineterminator="\n")
    table.writerow([*header, *KEYS])
    for song in songs:
        estimate = song.estimate
        row = [
            song.dataset, song.song_id, song.key, estimate.key, relation(estimate.key, song.key),
            f"{estimate.confidence:.4f}", song.intervals.total, song.lost_intervals,
            song.label_source, song.genre,
            *(f"{probability:.6f}" for probability in estimate.probabilities),
        ]  # fmt: skip
        table.writerow(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.getvalue().encode())


def compare(predictions: Path, annotations: Path) -> Comparison:
    """Score a file of answers against a file, or a folder of <id>.key files, of true keys."""
    answer_rows = read_keys(predictions, ESTIMATE_NAMES)
    truth_rows = read_keys(annotations, TRUTH_NAMES)
    name_of = naming(answer_rows, truth_rows)
    answers, answer_ids, repeated = by_name(predictions, answer_rows, name_of)
    texts, truth_ids, repeated_truths = by_name(annotations, truth_rows, name_of)
    truths = {song: key for song, text in texts.items() if (key := key_or_none(text))}
    if not truths:
        first = truth_rows[0]
        raise PredictionsError(
            f"{annotations}: no key in it parses (first: {first[0]} {first[1]!r})"
        )
    songs = [song for song in truths if song in answers]
    if not songs:
        raise PredictionsError(
            f"{predictions}: no song of it is in {annotations} (first ids: {answer_rows[0][0]}, "
            f"{truth_rows[0][0]}); ids are compared without file ending, by the file's name and as "
            "many folders as tell the songs of each file apart"
        )
    estimates = [key_or_none(answers[song]) for song in songs]
    untrue = [song for song in texts if song not in truths]
    return Comparison(
        score_of_relations(relations_of(estimates, [truths[song] for song in songs])),
        without_answer=tuple(song for song in truths if song not in answers),
        without_truth=tuple(song for song in answers if song not in texts),
        unreadable_truth=tuple(
            f"{song} ({texts[song]!r})" for song in untrue if not names_no_key(texts[song])
        ),
        keyless=tuple(song for song in untrue if names_no_key(texts[song])),
        answers_without_key=estimates.count(None),
        repeated=tuple(dict.fromkeys(repeated + repeated_truths)),
        in_other_folders=tuple(
            f"{answer_ids[song]} (there {truth_ids[song]})"
            for song in songs
            if contradict(answer_ids[song], truth_ids[song])
        ),
        ambiguous=tuple(f"{s} ({answers[s]!r})" for s in songs if is_ambiguous(answers[s])),
    )
