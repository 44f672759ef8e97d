"""Essentia's answers for songs, by several of its key profiles.

.venv-peers/bin/python -I study/essentia_keys.py SONGS.json ANSWERS.jsonl

Run by the Python that has Essentia; imports nothing of ours. SONGS holds a list of paths. A line a
song is added to ANSWERS, with the key by each profile, "" where the file cannot be read; songs that
have one are passed over, so that an interrupted run goes on.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

PROFILES = ("bgate", "edma", "edmm", "krumhansl", "temperley")


def main() -> None:
    """Answer what is not answered yet."""
    paths, file = json.loads(Path(sys.argv[1]).read_text("utf-8")), Path(sys.argv[2])
    answers = read_answers(file)
    lines = [json.dumps({"path": path, **keys}) + "\n" for path, keys in answers.items()]
    file.write_text("".join(lines), "utf-8")  # without a line that was broken off
    essentia = import_module("essentia")
    essentia.log.infoActive = essentia.log.warningActive = False
    algorithms = import_module("essentia.standard")
    missing = [path for path in paths if path not in answers]
    with file.open("a", encoding="utf-8") as output:
        for number, path in enumerate(missing, 1):
            output.write(json.dumps({"path": path, **_keys(algorithms, path)}) + "\n")
            output.flush()
            if sys.stderr.isatty():
                print(f"\rEssentia: {number}/{len(missing)} songs", end="", file=sys.stderr)


def read_answers(file: Path) -> dict[str, dict[str, str]]:
    """Of each song that has been answered the key by each profile."""
    answers = {}
    for line in file.read_text("utf-8").splitlines() if file.exists() else []:
        try:
            keys = json.loads(line)
        except ValueError:  # broken off
            continue
        answers[keys.pop("path")] = keys
    return answers


def _keys(algorithms: Any, path: str) -> dict[str, str]:
    try:
        waveform = algorithms.MonoLoader(filename=path, sampleRate=44_100)()
    except RuntimeError:  # whatever Essentia says of a file that it cannot read
        return dict.fromkeys(PROFILES, "")
    return {
        profile: " ".join(algorithms.KeyExtractor(profileType=profile)(waveform)[:2])
        for profile in PROFILES
    }


if __name__ == "__main__":
    main()
