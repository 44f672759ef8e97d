"""Smoke tests: quick proofs that training works, with exit code 1 when it does not.

python smoke.py overfit       # one batch until its loss is below smoke.overfit_loss
python smoke.py fdr           # one train, one valid and one test step, in a temporary folder
"""

import argparse

from command import run
from config import add_config_arguments, load_config
from training.smoke import fast_dev_run, overfit


def main() -> None:
    """Parse the command line and run one smoke test."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("test", choices=["overfit", "fdr"], help="which smoke test")
    add_config_arguments(parser)
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


if __name__ == "__main__":
    run(main, going_on="nothing was kept")
