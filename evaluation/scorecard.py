"""Score an exported network on labelled material, beside every target of the shipped one.

python -m evaluation.scorecard FOLDER
python -m evaluation.scorecard FOLDER --model mine.onnx --sets-only
python -m evaluation.scorecard FOLDER --model mine.onnx --fit

FOLDER holds recordings/labels.tsv with the files that it names, and validation/*.npz: recordings
kept as CQT levels (evaluation/levels.py). What is missing is named and left out.
"""

import settings.extras  # noqa: F401  # isort: skip

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from evaluation.answers import SongAnswer, score_of
from evaluation.clarity import fit_lines, fit_rule, unclear_share
from evaluation.conditions import keys_in_conditions
from evaluation.heard import Heard, answered, heard_recordings, logits_of
from evaluation.levels import LevelsError, heard_levels
from evaluation.notes import named
from evaluation.predictions import write_predictions
from evaluation.strata import Sets, by_dataset, by_genre
from evaluation.targets import (
    LEAST,
    Target,
    condition_targets,
    honesty_targets,
    score_targets,
    target_table,
)
from evaluation.unkeyed import RATE, unkeyed_sounds
from model.metrics import format_table
from model.onnx_file import ExportError
from settings.command import run
from songkey.detector import Detector
from songkey.errors import AudioKeyError
from songkey.estimate import AnswerRule
from songkey.networkfile import network_bytes

MADE_UP = "made up"  # the data set of sounds without a key
FITTING_SEED, SCORING_SEED = 0, 1  # of these


def main() -> None:
    """Parse the command line, hear all, print the tables."""
    arguments = _parser().parse_args()
    folder = Path(arguments.folder)
    detector = Detector(arguments.model)
    songs, left_out = heard_in(folder, detector, arguments.model)
    if not any(song.key for song in songs):
        raise AudioKeyError(f"{folder}: nothing in it that has a key; " + "; ".join(left_out))
    rule = detector.rule
    if arguments.fit:
        fit = fit_rule([*songs, *_made_up(detector, FITTING_SEED)], rule)
        print("\n".join(fit_lines(fit, sum(song.key is not None for song in songs))))
        rule = fit.rule
    answers = answered(songs, rule)
    output = Path(arguments.output or f"data/answers/{Path(arguments.model or 'default').stem}.tsv")
    write_predictions(output, answers)
    sets = {**by_dataset(answers), **by_genre(answers)}
    print(format_table({name: score_of(of_set) for name, of_set in sets.items()}), "", sep="\n")
    targets = [*score_targets(sets), *honesty_targets(sets)]
    targets += _clarity_targets([*songs, *_made_up(detector, SCORING_SEED)], rule)
    if not arguments.sets_only:
        targets += _condition_targets(folder / "recordings", sets, detector)
    print(target_table(targets))
    print("\n".join([*named("part left out", left_out), f"each song's answer in {output}"]))


def heard_in(
    folder: Path, detector: Detector, model: str | Path | None
) -> tuple[list[Heard], list[str]]:
    """What a network says of all that lies in the folder, and what was left out."""
    labels, files = folder / "recordings/labels.tsv", sorted(folder.glob("validation/*.npz"))
    songs: list[Heard] = []
    left_out = [f"{labels} (no such file)"]
    if labels.is_file():
        songs, left_out = heard_recordings(labels, detector)
    for file in files:
        try:
            songs += heard_levels(file, network_bytes(model)[0], detector.info)
        except (LevelsError, ExportError) as error:
            left_out.append(f"{file} ({error})")
    return songs, left_out + ([] if files else [f"{folder}/validation/*.npz (no such file)"])


def _made_up(detector: Detector, seed: int) -> list[Heard]:
    return [
        Heard(MADE_UP, f"{kind} {number}", None, logits_of(detector, waveform, RATE), kind)
        for number, (kind, waveform) in enumerate(unkeyed_sounds(seed))
    ]


def _clarity_targets(songs: Sequence[Heard], rule: AnswerRule) -> list[Target]:
    """Of each kind of sound without a key, how many are answered so."""
    kinds: defaultdict[str, list[Heard]] = defaultdict(list)
    for song in songs:
        if song.key is None:
            kinds[song.genre or song.song_id].append(song)
    return [
        Target(f"{kind}: without a clear key, %", 100 * unclear_share(sounds, rule), 100.0)
        for kind, sounds in kinds.items()
    ]


def _condition_targets(folder: Path, sets: Sets, detector: Detector) -> list[Target]:
    """Of the sets of recordings that have a target."""
    targets = []
    for name in LEAST:
        recorded: list[SongAnswer] = [
            song for song in sets.get(name, []) if (folder / song.song_id).is_file()
        ]
        if recorded:
            keys = keys_in_conditions([folder / song.song_id for song in recorded], detector)
            targets += condition_targets(name, recorded, keys)
    return targets


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument(
        "--model", metavar="FILE", help="an exported network (.onnx); default: songkey's own"
    )
    parser.add_argument(
        "--fit", action="store_true",
        help="fit the answer's temperature and threshold to FOLDER's songs; says what to export",
    )  # fmt: skip
    parser.add_argument(
        "--sets-only", action="store_true", help="leave the transposed, detuned and poor songs out"
    )
    parser.add_argument(
        "--output", metavar="FILE", help="where the answers go; default: data/answers/<model>.tsv"
    )
    return parser


if __name__ == "__main__":
    run(main)
