"""Find settings of training by short measurements that touch no run.

python -m training.tune batch-size     # intervals a second of each batch size, and what fits
python -m training.tune learning-rate  # a range test: table, plot and a suggestion
"""

import settings.extras  # noqa: F401  # isort: skip

from pathlib import Path

import numpy as np

from settings.command import run
from settings.config import config_parser, load_config
from settings.sections import Config
from songkey.counted import counted
from songkey.errors import AudioKeyError
from training.batch_size import knee, rates_by_size, step_rate
from training.range_test import RangeTest, range_figure, range_test
from training.rehearsal import Trial, changed

TABLE_ROWS = 12


def main() -> None:
    """Parse the command line, measure, print what was found."""
    parser = config_parser(__doc__)
    parser.add_argument("what", choices=["batch-size", "learning-rate"], help="the setting")
    arguments = parser.parse_args()
    config = load_config(arguments.config, arguments.overrides)
    if arguments.what == "batch-size":
        _tune_batch_size(config)
    else:
        _tune_learning_rate(config)


def _tune_batch_size(config: Config) -> None:
    trial = Trial(changed(config, train={"accumulation": 1}))
    batch = next(trial.batches())
    most = trial.shards.total
    if trial.accelerator.device.type == "cpu":
        most = min(most, config.tune.most_intervals_on_cpu)
    print("intervals a step   intervals/s")

    def measure(size: int) -> float:
        rate = step_rate(trial, batch, size, config.tune.seconds_a_size)
        print(f"{size:16d}   {rate:11.1f}", flush=True)
        return rate

    rates = rates_by_size(measure, most)
    if not rates:
        raise AudioKeyError("not even one interval fits into memory; choose a smaller network")
    print(f"largest tried that fits: {counted(max(rates), 'interval')}, for each process")
    print(f"knee: {counted(knee(rates), 'interval')}; larger batches are hardly faster")
    print("train.global_batch_size is that of one process, times the number of processes")


def _tune_learning_rate(config: Config) -> None:
    trial, setting = Trial(config), config.tune
    batches = trial.batches()

    def step(rate: float) -> float:
        for group in trial.learner.optimizer.param_groups:
            group["lr"] = rate
        return float(trial.step(next(batches)))

    test = range_test(step, setting.lowest_rate, setting.highest_rate, setting.rate_steps)
    plot = Path(config.train.runs_dir) / "learning-rate.png"
    plot.parent.mkdir(parents=True, exist_ok=True)
    range_figure(test).savefig(plot)
    _print_table(test)
    print(f"lowest loss at {test.lowest:.1e}, steepest fall at {test.steepest:.1e}; plot: {plot}")
    print(f"suggestion: train.learning_rate = {test.suggestion:.1e}")


def _print_table(test: RangeTest) -> None:
    print("learning rate   smoothed loss")
    for place in np.linspace(0, len(test.rates) - 1, TABLE_ROWS).astype(int):
        print(f"{test.rates[place]:13.1e}   {test.losses[place]:13.3f}")


if __name__ == "__main__":
    run(main, going_on="nothing was kept")
