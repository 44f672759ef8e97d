"""What was evaluated, when and by which version: the first table of a report."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from evaluation.answers import Answers
from evaluation.notes import of_intervals, trained_notes
from model.checkpoint import Checkpoint
from settings.sections import Config

ROOT = Path(__file__).parent.parent


def facts_of(
    checkpoint: Checkpoint, config: Config, datasets: Sequence[str], answers: Answers
) -> dict[str, str]:
    """The checkpoint, the songs and the circumstances of an evaluation, by what they are."""
    intervals = sum(song.intervals.total for song in answers.songs)
    network, trained_on = checkpoint.config["model"]["name"], checkpoint.trained_on
    songs = f"{len(answers.songs)} of {of_intervals(intervals, answers.lost_intervals)}"
    return {
        "Checkpoint": str(checkpoint.path),
        "Network": f"{network}, trained on {', '.join(trained_on)}",
        "Temperature": f"{checkpoint.temperature:.3f}",
        "Data sets": f"{', '.join(datasets)}: {config.eval.split} split, "
        f"{config.stream.format} shards",
        "Songs": "; ".join((songs, *trained_notes(answers))),
        "Loss of an interval": f"{answers.loss:.3f} nats",
        "Date": time.strftime("%Y-%m-%d %H:%M"),
        "Version": commit(),
    }


def commit() -> str:
    """The commit of the code, marked where files differ from it; 'unknown' without git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    if not (ROOT / ".git").exists():  # another repository around ours is not meant
        return "unknown"
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or "unknown"
