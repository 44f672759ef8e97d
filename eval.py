"""Evaluate a checkpoint on shards, or any system's answers on true keys, in the same table.

python eval.py --checkpoint runs/20260101-120000-keynet
python eval.py --checkpoint best.safetensors --datasets gs_key --set stream.format=png
python eval.py --checkpoint runs/20260101-120000-keynet --calibrate
python eval.py --predictions answers.tsv --annotations annotations/key
python eval.py --compare ours.tsv theirs.tsv
"""

import settings.extras  # noqa: F401  # isort: skip

import argparse
from dataclasses import replace
from pathlib import Path

from accelerate import Accelerator

from evaluation.answers import Answers, answer, interval_logits, part_of
from evaluation.export import current_export, onnx_beside
from evaluation.listener import (
    front_end_of,
    hearing_of,
    refuse_other_settings,
    shards_of,
    trained_network,
)
from evaluation.notes import compared, fit_notes, lost_notes, scored, trained_notes
from evaluation.predictions import write_predictions
from evaluation.provenance import facts_of
from evaluation.report import write_report
from evaluation.seen import seen_songs
from evaluation.strata import by_dataset, interval_scores, song_scores
from evaluation.temperature import CalibrationError, Fit, fit_temperature, gathered
from model.checkpoint import load_checkpoint, store_temperature
from model.metrics import format_table
from model.run_folder import newest_run, resolve
from pipeline.lost import StreamError
from settings.command import is_main_process, run
from settings.config import config_parser, given_settings, load_config
from settings.ending import end_together
from settings.sections import Config
from songkey.errors import AudioKeyError

IDLE_IN_CALIBRATION = ("datasets", "intervals", "full", "output", "report")


def main() -> None:
    """Parse the command line, evaluate, print the table."""
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.predictions or arguments.compare:
        _refuse_with_files(arguments, parser)
        if is_main_process():
            print("\n".join(_of_files(arguments)))
        return
    if arguments.annotations:
        raise AudioKeyError("--annotations (the true keys) goes with --predictions or --compare")
    config = load_config(arguments.config, arguments.overrides)
    checkpoint = resolve(arguments.checkpoint or newest_run(config.train.runs_dir))
    given = given_settings(arguments.config, arguments.overrides)
    refuse_other_settings(given, hearing_of(load_checkpoint(checkpoint)))
    accelerator = Accelerator()
    if arguments.calibrate:
        _refuse_to_calibrate_on(arguments, given)
        fit = calibrate(checkpoint, config, accelerator)
        lines = [*fit_notes(fit), f"stored in {checkpoint}"]
    else:
        lines = _evaluated(arguments, checkpoint, config, accelerator)
    if accelerator.is_main_process:
        print("\n".join(lines))
    end_together(accelerator)


def evaluate(
    checkpoint: str | Path, config: Config, datasets: tuple[str, ...], accelerator: Accelerator
) -> Answers:
    """The answers of a checkpoint for the songs of one split of `datasets`."""
    network, trained_with = trained_network(checkpoint)
    shards = shards_of(config, trained_with, datasets, config.eval.split)
    seen = seen_songs(load_checkpoint(resolve(checkpoint)), config, shards)
    answers = answer(
        network.to(accelerator.device), front_end_of(trained_with).to(accelerator.device), shards,
        accelerator, config.eval.batch_size, config.stream.workers, config.stream.max_bad_samples,
    )  # fmt: skip
    if not answers.songs:
        raise StreamError("no interval could be read; see the warnings above, and check the shards")
    return replace(answers, seen=seen)


def calibrate(checkpoint: str | Path, config: Config, accelerator: Accelerator) -> Fit:
    """Fit a temperature on the valid split of what a checkpoint was trained on, and store it."""
    file = resolve(checkpoint)
    network, trained_with = trained_network(file)
    network.temperature = 1.0  # an earlier one is fitted anew
    if not (datasets := load_checkpoint(file).validated_on):
        raise CalibrationError(f"{file}: does not say which data sets it was trained on")
    shards = shards_of(config, trained_with, datasets, "valid")
    stream = part_of(shards, accelerator, config.eval.batch_size, config.stream.max_bad_samples)
    batches = interval_logits(
        network.to(accelerator.device), front_end_of(trained_with).to(accelerator.device), stream,
        accelerator, config.stream.workers,
    )  # fmt: skip
    fit = fit_temperature(*gathered(batches, accelerator))
    fit = replace(fit, lost_intervals=len(stream.lost.of_all()))
    if accelerator.is_main_process:
        store_temperature(file, fit.temperature)
        if onnx_beside(file).exists():
            current_export(file)
    return fit


def _evaluated(
    arguments: argparse.Namespace, checkpoint: Path, config: Config, accelerator: Accelerator
) -> list[str]:
    """Write the predictions and the report of a checkpoint; the lines to print."""
    datasets = tuple(arguments.datasets or config.eval.datasets)
    answers = evaluate(checkpoint, config, datasets, accelerator)
    if not accelerator.is_main_process:
        return []
    predictions, report = _results(arguments, checkpoint, datasets, config)
    facts = facts_of(load_checkpoint(checkpoint), config, datasets, answers)
    write_predictions(predictions, answers.songs)
    write_report(report, facts, answers, config.eval.split)
    scores, unit = (interval_scores, "intervals") if arguments.intervals else (song_scores, "songs")
    return [
        format_table(scores(by_dataset(answers.songs), config.eval.split), unit),
        *lost_notes(answers),
        *trained_notes(answers),
        f"loss {answers.loss:.3f}; report in {report}; each song's answer in {predictions}",
    ]


def _results(
    arguments: argparse.Namespace, file: Path, datasets: tuple[str, ...], config: Config
) -> tuple[Path, Path]:
    """Where predictions and report go: as told, or in the run's folder or beside the file."""
    folder = file.parent.parent if file.parent.name == "checkpoints" else file.parent
    what = "-".join((file.stem, config.stream.format, "+".join(datasets), config.eval.split))
    predictions = folder / f"predictions-{what}.tsv"
    report = folder / f"report-{what}.html"
    if arguments.output:
        predictions = Path(arguments.output)
        report = predictions.with_suffix(".html")
    return predictions, Path(arguments.report or report)


def _of_files(arguments: argparse.Namespace) -> list[str]:
    if arguments.predictions:
        return scored(Path(arguments.predictions), Path(arguments.annotations))
    first, second = map(Path, arguments.compare)
    return compared(first, second, Path(arguments.annotations) if arguments.annotations else None)


def _refuse_with_files(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Options that a file of answers has no use for are refused, not ignored."""
    if arguments.predictions and not arguments.annotations:
        raise AudioKeyError("--predictions and --annotations (the true keys) go together")
    used = {"predictions", "compare", "annotations"}
    idle = [n for n, v in vars(arguments).items() if v != parser.get_default(n) and n not in used]
    if idle:
        flags = ", ".join(f"--{'set' if name == 'overrides' else name}" for name in idle)
        raise AudioKeyError(f"{flags}: of no use with files of answers, which need no checkpoint")


def _refuse_to_calibrate_on(arguments: argparse.Namespace, given: dict) -> None:
    flags = [f"--{name}" for name in IDLE_IN_CALIBRATION if getattr(arguments, name)]
    flags += [name for name in ("eval.split", "eval.datasets") if name in given]
    if flags:
        raise CalibrationError(
            f"--calibrate goes without {', '.join(flags)}: a temperature is fitted on the valid "
            "split of the data sets that the checkpoint was trained on, and on nothing else"
        )


def _parser() -> argparse.ArgumentParser:
    parser = config_parser(__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--checkpoint", metavar="RUN_OR_FILE",
        help="a run folder (its best) or a file; default: the newest run's best",
    )  # fmt: skip
    what.add_argument(
        "--predictions", metavar="FILE", help="TSV or CSV of id and key of any system"
    )
    what.add_argument(
        "--compare", nargs=2, metavar=("A", "B"),
        help="two files of answers: the difference of their scores, tested in pairs",
    )  # fmt: skip
    parser.add_argument(
        "--annotations", metavar="FILE_OR_FOLDER",
        help="the true keys; --compare finds them in eval.py's own files",
    )  # fmt: skip
    parser.add_argument("--datasets", nargs="+", help="which data sets (eval.datasets if absent)")
    unit = parser.add_mutually_exclusive_group()
    unit.add_argument("--intervals", action="store_true", help="score each interval by itself")
    unit.add_argument("--full", action="store_true", help="score full songs (the default)")
    parser.add_argument("--output", metavar="FILE", help="where the per-song predictions go")
    parser.add_argument("--report", metavar="FILE", help="where the HTML page goes")
    parser.add_argument(
        "--calibrate", action="store_true",
        help="fit the temperature on the valid split and store it in the checkpoint",
    )  # fmt: skip
    return parser


if __name__ == "__main__":
    run(main, going_on="nothing was written")
