"""How good the answers in files are, whoever gave them: a table and notes, as lines to print."""

from pathlib import Path

from evaluation.notes import comparison_notes, paired_notes
from evaluation.paired import compare_systems
from evaluation.predictions import compare
from model.metrics import format_table


def scored(predictions: Path, annotations: Path) -> list[str]:
    """The score of a file of answers on true keys, and what of the two could not be scored."""
    comparison = compare(predictions, annotations)
    table = format_table({annotations.absolute().name: comparison.score})
    return [table, *comparison_notes(comparison)]


def compared(first: Path, second: Path, annotations: Path | None) -> list[str]:
    """The scores of two files of answers, A and B, and whether one is better."""
    paired = compare_systems(first, second, annotations)
    names = (f"A: {first.name}", f"B: {second.name}")
    table = format_table(dict(zip(names, paired.scores, strict=True)))
    return [table, *paired_notes(paired)]
