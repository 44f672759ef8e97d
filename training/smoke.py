"""Smoke tests: quick proofs that training works on today's data, exit code 1 when it does not.

python -m training.smoke overfit    # one batch until its loss is below smoke.overfit_loss
python -m training.smoke fdr        # one train, one valid and one test step, in a temporary folder
"""

import settings.extras  # noqa: F401  # isort: skip

import logging
import tempfile
from pathlib import Path

from accelerate import Accelerator

from evaluation.answers import answer
from evaluation.listener import front_end_of, shards_of, trained_network
from evaluation.predictions import write_predictions
from pipeline.shardset import ShardSet
from settings.command import run
from settings.config import config_parser, load_config
from settings.sections import Config
from songkey.errors import AudioKeyError
from training.loop import Training
from training.rehearsal import Trial, changed

logger = logging.getLogger(__name__)

LOG_EVERY_STEPS = 20
ONE_BATCH = 1e-9  # of an epoch: any share, however small, is at least one batch


def main() -> None:
    """Parse the command line and run one smoke test."""
    parser = config_parser(__doc__)
    parser.add_argument("test", choices=["overfit", "fdr"], help="which smoke test")
    arguments = parser.parse_args()
    config = load_config(arguments.config, arguments.overrides)
    if arguments.test == "overfit":
        steps = overfit(config)
        print(
            f"one batch is learnt by heart: loss below {config.smoke.overfit_loss} in {steps} steps"
        )
    else:
        fast_dev_run(config)
        print("train, valid and test step work; checkpoints are written and read")


def overfit(config: Config) -> int:
    """Steps until one batch of the train split is learnt by heart; raises AudioKeyError.

    Without augmentation and dropout, by plain cross entropy, at train.learning_rate.
    """
    trial = Trial(plain(config))
    batch = next(trial.batches())
    for step in range(1, config.smoke.overfit_steps + 1):
        loss = float(trial.step(batch))
        if step % LOG_EVERY_STEPS == 0:
            logger.info("step %d  loss %.3f", step, loss)
        if loss < config.smoke.overfit_loss:
            return step
    raise AudioKeyError(
        f"one batch of {len(batch.key_id)} intervals is not learnt: its loss is {loss:.3f} after "
        f"{step} steps, smoke.overfit_loss is {config.smoke.overfit_loss}; look at the network, "
        "its gradients and train.learning_rate"
    )


def plain(config: Config) -> Config:
    """`config` without what makes one batch harder, or some of its intervals matter less."""
    loss = {
        "name": "cross_entropy", "label_smoothing": 0.0,
        "class_weights": "none", "confidence_weights": False,
    }  # fmt: skip
    augment = dict.fromkeys(type(config.augment).model_fields, 0)
    return changed(config, model={"dropout": 0.0}, augment=augment, loss=loss)


def fast_dev_run(config: Config) -> None:
    """One train, one valid and one test step, with checkpoints written and read; leaves nothing."""
    short = changed(config, train={"epochs": 1, "limit_fraction": ONE_BATCH})
    test_shards = shards_of(short, short, short.eval.datasets, short.eval.split)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        Training(short, folder, resume=False).run()
        Training(short, folder, resume=True).run()  # reads `last`; nothing is left to do
        _test_step(short, folder, test_shards)


def _test_step(config: Config, folder: Path, shards: ShardSet) -> None:
    network, trained_with = trained_network(folder)
    accelerator = Accelerator()
    answers = answer(
        network.to(accelerator.device), front_end_of(trained_with).to(accelerator.device), shards,
        accelerator, config.eval.batch_size, config.stream.workers, config.stream.max_bad_samples,
        limit_fraction=ONE_BATCH,
    )  # fmt: skip
    if not answers.songs:
        raise AudioKeyError("no interval of the first batch could be read; see the warnings above")
    write_predictions(folder / "predictions.tsv", answers.songs)
    logger.info("%s loss %.3f", config.eval.split, answers.loss)


if __name__ == "__main__":
    run(main, going_on="nothing was kept")
