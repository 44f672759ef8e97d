"""Show the network that the settings make: layers, output shapes, parameters, multiply-adds.

python -m training.summary
python -m training.summary --set model.name=allconv --set model.num_feature_maps=24
"""

import settings.extras  # noqa: F401  # isort: skip

import argparse

from evaluation.listener import input_of, network_of
from model.layers import network_summary
from settings.command import run
from settings.config import add_config_arguments, load_config


def main() -> None:
    """Parse the command line, print the table for one interval."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(parser)
    arguments = parser.parse_args()
    config = load_config(arguments.config, arguments.overrides)
    print(network_summary(network_of(config), input_of(config)))


if __name__ == "__main__":
    run(main)
