"""Evaluate a checkpoint on shards, or any system's answers on true keys, in the same table.

python eval.py --checkpoint runs/20260101-120000-keynet
python eval.py --checkpoint best.safetensors --datasets gs_key --set stream.format=png
python eval.py --predictions answers.tsv --annotations annotations/key
"""

import argparse
from collections import defaultdict
from pathlib import Path

from accelerate import Accelerator

from build import front_end_of, shards_of, trained_network
from command import run
from config import add_config_arguments, load_config
from evaluation.answers import Answers, answer, score_of
from evaluation.predictions import Comparison, compare, write_predictions
from model.checkpoint import resolve
from model.metrics import MirexScore, format_table
from pipeline.stream import StreamError
from settings import Config

NAMES_IN_A_MESSAGE = 3


def main() -> None:
    """Parse the command line, evaluate, print the table."""
    arguments = _parser().parse_args()
    if bool(arguments.predictions) != bool(arguments.annotations):
        raise ValueError("--predictions and --annotations (the true keys) go together")
    if arguments.predictions:
        comparison = compare(Path(arguments.predictions), Path(arguments.annotations))
        print(format_table({Path(arguments.annotations).absolute().name: comparison.score}))
        _report(comparison)
        return
    config = load_config(arguments.config, arguments.overrides)
    datasets = tuple(arguments.datasets or config.eval.datasets)
    accelerator = Accelerator()
    answers = evaluate(arguments.checkpoint, config, datasets, accelerator)
    if accelerator.is_main_process:
        output = Path(arguments.output or _beside(arguments.checkpoint, datasets, config))
        print(format_table(_rows(answers, config.eval.split, arguments.intervals)))
        _name("songs without a readable interval, not scored", answers.unanswered)
        write_predictions(output, answers)
        print(f"loss {answers.loss:.3f}; each song's answer in {output}")
    accelerator.end_training()


def evaluate(
    checkpoint: str, config: Config, datasets: tuple[str, ...], accelerator: Accelerator
) -> Answers:
    """The answers of a checkpoint for the songs of one split of `datasets`."""
    network, trained_with = trained_network(checkpoint)
    shards = shards_of(config, trained_with, datasets, config.eval.split)
    answers = answer(
        network.to(accelerator.device), front_end_of(trained_with).to(accelerator.device), shards,
        accelerator, config.eval.batch_size, config.stream.workers, config.stream.max_bad_samples,
    )  # fmt: skip
    if not answers.songs:
        raise StreamError("no interval could be read; see the warnings above, and check the shards")
    return answers


def _rows(answers: Answers, split: str, intervals: bool) -> dict[str, MirexScore]:
    """The table's rows: each data set by itself, its songs or all their intervals."""
    by_dataset = defaultdict(list)
    for song in answers.songs:
        by_dataset[f"{song.dataset} {split}"].append(song)
    if intervals:
        return {
            f"{name}, intervals": sum((song.intervals for song in songs), MirexScore())
            for name, songs in by_dataset.items()
        }
    return {name: score_of(songs) for name, songs in by_dataset.items()}


def _beside(checkpoint: str, datasets: tuple[str, ...], config: Config) -> Path:
    """Where the predictions go: into the run's folder, or beside a file that is in none."""
    file = resolve(checkpoint)
    folder = file.parent.parent if file.parent.name == "checkpoints" else file.parent
    what = (file.stem, config.stream.format, "+".join(datasets), config.eval.split)
    return folder / f"predictions-{'-'.join(what)}.tsv"


def _report(comparison: Comparison) -> None:
    _name("songs without an answer, not scored", comparison.without_answer)
    _name("answers to songs that have no key there", comparison.without_truth)
    _name("songs whose key there does not parse, not scored", comparison.unreadable_truth)
    if comparison.answers_without_key:
        print(f"{comparison.answers_without_key} answers name no key; they count as other")


def _name(what: str, names: tuple[str, ...]) -> None:
    if names:
        more = ", ..." if len(names) > NAMES_IN_A_MESSAGE else ""
        print(f"{len(names)} {what}: {', '.join(names[:NAMES_IN_A_MESSAGE])}{more}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--checkpoint", metavar="RUN_OR_FILE", help="a run folder (its best) or a file"
    )
    what.add_argument(
        "--predictions", metavar="FILE", help="TSV or CSV of id and key of any system"
    )
    parser.add_argument("--annotations", metavar="FILE_OR_FOLDER", help="the true keys")
    parser.add_argument("--datasets", nargs="+", help="which data sets (eval.datasets if absent)")
    unit = parser.add_mutually_exclusive_group()
    unit.add_argument("--intervals", action="store_true", help="score each interval by itself")
    unit.add_argument("--full", action="store_true", help="score full songs (the default)")
    parser.add_argument("--output", metavar="FILE", help="where the per-song predictions go")
    add_config_arguments(parser)
    return parser


if __name__ == "__main__":
    run(main, going_on="nothing was written")
