"""Name the key of audio files.

songkey song.mp3
songkey ~/Music --json
"""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from songkey.audio import printable
from songkey.decode import AudioError
from songkey.detector import Detector
from songkey.errors import AudioKeyError
from songkey.estimate import KeyEstimate
from songkey.files import audio_files


def main() -> None:
    """The console command: exits 1, with one line each, if a file has no key."""
    try:
        arguments = parser(__doc__).parse_args()
        name_keys(arguments.paths, arguments.model, arguments.json)
    except (AudioKeyError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("interrupted; the files above are answered", file=sys.stderr)
        sys.exit(130)


def parser(description: str) -> argparse.ArgumentParser:
    """What the command line may hold."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("paths", nargs="+", metavar="FILE_OR_FOLDER")
    made.add_argument(
        "--model", metavar="FILE", help="an exported network (.onnx); default: songkey's own"
    )
    made.add_argument("--json", action="store_true", help="print one JSON list")
    return made


def name_keys(paths: Iterable[str], model: str | Path | None, as_json: bool) -> None:
    """Print each file's key, then raise AudioKeyError if there were files without one."""
    detector = Detector(model)
    failed = 0
    with _Printer(as_json) as printer:
        for path in _files(paths):
            try:
                printer.add(path, detector.estimate(path))
            except AudioError as error:
                failed += 1
                print(f"no key: {error}", file=sys.stderr)
    if failed:
        raise AudioKeyError(f"{failed} files could not be used, see above")


class _Printer:
    """Prints a table line by line, or all as one JSON list at the end."""

    def __init__(self, as_json: bool):
        self.as_json = as_json
        self.rows: list[dict] = []

    def __enter__(self) -> "_Printer":
        if not self.as_json:
            print(f"{'key':<10} {'Camelot':<8} {'conf.':>6}  {'next candidates':<32} path")
        return self

    def add(self, path: Path, estimate: KeyEstimate) -> None:
        """One file's answer."""
        best, *others = estimate.candidates(3)
        if self.as_json:
            self.rows.append(_as_json(path, estimate))
        else:
            following = ", ".join(f"{key} {probability:.0%}" for key, probability in others)
            key, confidence = best
            print(
                f"{key!s:<10} {key.camelot:<8} {confidence:>6.1%}  {following:<32} "
                f"{printable(path)}"
            )

    def __exit__(self, *_: object) -> None:
        if self.as_json:
            print(json.dumps(self.rows, indent=2, ensure_ascii=False))


def _as_json(path: Path, estimate: KeyEstimate) -> dict:
    return {
        "path": printable(path),
        "key": str(estimate.key),
        "camelot": estimate.key.camelot,
        "open_key": estimate.key.open_key,
        "confidence": round(estimate.confidence, 4),
        "candidates": [
            {"key": str(key), "camelot": key.camelot, "probability": round(probability, 4)}
            for key, probability in estimate.candidates(3)
        ],
    }


def _files(paths: Iterable[str]) -> list[Path]:
    """Each file, and each audio file of each folder; checked before the first is read."""
    found: list[Path] = []
    for path in map(Path, paths):
        found += audio_files(path).values() if path.is_dir() else [path]
    return found
