"""Search for the settings that answer a question: many training runs, and what they scored.

python -m study experiments/nf.toml
python -m study experiments/hparams.toml --trials 50 --storage postgresql://me@host/studies

The form of a sweep file stands at the top of study/sweep_file.py. The score is the best weighted
score on the valid split. The study lies in <train.runs_dir>/<the file's name>, with a run for each
trial, its database and report.html. The same command goes on with a study that was interrupted;
started several times, on one machine or many, the processes share its trials. Each of them trains
on one device: start one for each GPU, with CUDA_VISIBLE_DEVICES=0, =1, ... before the command. It
exits 1 while any trial is failed, and tries these again.
"""

import settings.extras  # noqa: F401  # isort: skip

import argparse
from pathlib import Path

from settings.command import run
from study.database import StudyError, kept_in, open_study
from study.findings import failed, format_study, trials_of, write_page
from study.search import search
from study.sweep_file import load_plan
from study.trial import name_of


def main() -> None:
    """Parse the command line, run what trials are due, print the table."""
    arguments = _parser().parse_args()
    plan = load_plan(arguments.file, arguments.overrides, arguments.trials)
    folder = Path(plan.config.train.runs_dir) / plan.name
    url = arguments.storage or f"sqlite:///{folder / 'study.db'}"
    if arguments.report and not folder.is_dir():
        raise StudyError(f"{folder}: no such study; run it first, without --report")
    folder.mkdir(parents=True, exist_ok=True)
    with kept_in(url):
        study = open_study(plan, url)
        if not arguments.report:
            search(study, plan, folder)
        trials = trials_of(study)
        write_page(study, plan.name, plan.head.question, folder / "report.html")
    print(format_study(plan.head.question, trials))
    print(f"plots in {folder / 'report.html'}")
    if numbers := [trial.number for trial in trials if failed(trial)]:
        raise StudyError(
            f"{len(numbers)} of {len(trials)} trials failed, see "
            f"{folder / name_of(min(numbers))}.log; the same command tries them again, once the "
            f"cause is mended; for other settings delete {folder}, to begin anew"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", metavar="SWEEP_FILE", help="such as experiments/nf.toml")
    parser.add_argument(
        "--trials", type=int, metavar="N", help="how many the study has when it is done"
    )
    parser.add_argument(
        "--storage", metavar="URL", help="a database for several machines; default: an SQLite file"
    )
    parser.add_argument(
        "--report", action="store_true", help="write table and plots of what there is, and end"
    )
    parser.add_argument(
        "--set", metavar="SECTION.NAME=VALUE", action="append", default=[], dest="overrides",
        help="change one setting of all trials (repeatable), e.g. --set train.epochs=5",
    )  # fmt: skip
    return parser


if __name__ == "__main__":
    run(main)
