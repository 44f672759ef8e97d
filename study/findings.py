"""What a study found: a table, and a page with the same table and plots."""

import html
from collections.abc import Sequence
from pathlib import Path

from optuna import Study
from optuna.trial import FrozenTrial, TrialState
from optuna.visualization import (
    plot_intermediate_values,
    plot_optimization_history,
    plot_parallel_coordinate,
    plot_slice,
)

from storage.whole import write_whole

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{name}</title></head>
<body style="font-family: sans-serif; margin: 2em">
<h1>{name}</h1>
<pre>{table}</pre>
{plots}
</body></html>
"""


def trials_of(study: Study) -> list[FrozenTrial]:
    """The trials that began, best first, those without a score last."""
    began = [trial for trial in study.get_trials(deepcopy=False) if trial.params]
    return sorted(began, key=lambda trial: (-score_of(trial), trial.number))


def failed(trial: FrozenTrial) -> bool:
    """Whether it ended without a score; no state, as Optuna never lets a failed trial run again."""
    return bool(trial.user_attrs.get("message"))


def score_of(trial: FrozenTrial) -> float:
    """The best weighted score on the valid split so far; -1 before the first epoch."""
    return max(trial.intermediate_values.values(), default=-1.0)


def format_study(question: str, trials: Sequence[FrozenTrial]) -> str:
    """The question, and a line for each trial: how it ended, its score, its settings."""
    names = list(dict.fromkeys(name for trial in trials for name in trial.params))
    rows = [["trial", "score", "epochs", "ended", *names]]
    for trial in trials:
        score = f"{score_of(trial):.1f}" if trial.intermediate_values else "-"
        settings = [_text(trial.params.get(name, "-")) for name in names]
        epochs = str(len(trial.intermediate_values))
        rows.append([str(trial.number), score, epochs, ended(trial), *settings])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    failures = [
        f"trial {trial.number}: {trial.user_attrs['message']}" for trial in trials if failed(trial)
    ]
    return "\n".join([question, "", *lines, *failures])


def ended(trial: FrozenTrial) -> str:
    """How a trial ended, in one word."""
    if failed(trial):
        return "failed"
    words = {TrialState.COMPLETE: "", TrialState.PRUNED: "pruned"}
    return words.get(trial.state, "running")


def write_page(study: Study, name: str, question: str, path: Path) -> None:
    """Write a page that needs nothing but itself; without a finished trial it has no plots."""
    table = html.escape(format_study(question, trials_of(study)))
    plots = ""
    if study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        plots = "\n".join(_plots(study))
    page = PAGE.format(name=html.escape(name), table=table, plots=plots)
    write_whole(path, page.encode())


def _plots(study: Study) -> list[str]:
    figures = [
        plot_optimization_history(study, target_name="score"),
        plot_intermediate_values(study),
        plot_slice(study, target_name="score"),
        plot_parallel_coordinate(study, target_name="score"),
    ]
    return [
        figure.to_html(full_html=False, include_plotlyjs=not number)  # once, inside the page
        for number, figure in enumerate(figures)
    ]


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
