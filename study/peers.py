"""Compare our network with Essentia's key profiles, and with any program's answers, on a folder.

python -m study.peers ~/Music/labelled
python -m study.peers FOLDER --under pop/ --model mine.onnx --answers rekordbox=answers.tsv

FOLDER is labelled as for `just prepare-shards audio folder`: a table, folder names or tags. All
answers are kept in --work; what Essentia has answered there is not asked again.
"""

import settings.extras  # noqa: F401  # isort: skip

import argparse
import csv
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from evaluation.notes import named
from evaluation.paired import compare_systems
from evaluation.side_by_side import comparison_table
from settings.command import run
from songkey.decode import AudioError
from songkey.detector import Detector
from songkey.errors import AudioKeyError
from songs.folder import songs as songs_in
from songs.song import Song, by_reason
from study import essentia_keys

OURS = "songkey"


def main() -> None:
    """Parse the command line, let all systems answer, print the table."""
    arguments = _parser().parse_args()
    given = dict(_named_file(text) for text in arguments.answers)
    found, left_out = songs_in(Path(arguments.folder), "peers")
    songs = [song for song in found if song.song_id.startswith(arguments.under)]
    if not songs:
        raise AudioKeyError(
            f"{arguments.folder}: no labelled song under {arguments.under or 'it'} in it; "
            f"left out: {by_reason(left_out) or 'none'}"
        )
    work = Path(arguments.work)
    work.mkdir(parents=True, exist_ok=True)
    truth = _write(work / "truth.tsv", {song.song_id: str(song.key) for song in songs})
    ours, unread = _our_answers(songs, Detector(arguments.model))
    mine = _write(work / f"{OURS}.tsv", ours)
    peers = _essentia_answers(songs, work, arguments.essentia) | given
    compared = {name: compare_systems(mine, file, truth) for name, file in peers.items()}
    print(comparison_table(OURS, compared))
    print("\n".join([*named("files that songkey cannot read", unread), f"answers in {work}"]))


def _our_answers(songs: Sequence[Song], detector: Detector) -> tuple[dict[str, str], list[str]]:
    answers, unread = {}, []
    for song in tqdm(songs, unit="songs", disable=None):
        try:
            answers[song.song_id] = str(detector.estimate(song.audio_path).key)
        except AudioError as error:
            unread.append(str(error))
    return answers, unread


def _essentia_answers(songs: Sequence[Song], work: Path, python: str) -> dict[str, Path]:
    """A file of answers for each of Essentia's profiles, by a process of its own Python."""
    asked, answers = work / "essentia-songs.json", work / "essentia.jsonl"
    path_of = {song.song_id: str(Path(song.audio_path).absolute()) for song in songs}
    asked.write_text(json.dumps(list(path_of.values())), "utf-8")
    command = [python, "-I", essentia_keys.__file__, str(asked), str(answers)]
    try:
        code = subprocess.run(command).returncode
    except FileNotFoundError:
        raise AudioKeyError(
            f"{python}: no Essentia there; `just compare-peers` installs it"
        ) from None
    if code:
        raise AudioKeyError(f"Essentia ended with exit code {code}, see above; run it again")
    keys = essentia_keys.read_answers(answers)
    return {
        f"Essentia {profile}": _write(
            work / f"essentia-{profile}.tsv",
            {song_id: keys[path][profile] for song_id, path in path_of.items()},
        )
        for profile in essentia_keys.PROFILES
    }


def _write(path: Path, keys: Mapping[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerows([("song_id", "key"), *keys.items()])
    return path


def _named_file(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise AudioKeyError(f"--answers {text}: give a name and a table, as NAME=FILE.tsv")
    return name, Path(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("--under", default="", metavar="PATH", help="songs whose path begins so")
    parser.add_argument(
        "--model", metavar="FILE", help="an exported network (.onnx); default: songkey's own"
    )
    parser.add_argument(
        "--answers", nargs="+", default=[], metavar="NAME=FILE", help="tables of id and key"
    )
    parser.add_argument("--work", default="data/peers", metavar="FOLDER")
    parser.add_argument(
        "--essentia", default=".venv-peers/bin/python", metavar="PYTHON", help="that has Essentia"
    )
    return parser


if __name__ == "__main__":
    run(main)
