"""Show the network that the settings make: layers, output shapes, parameters, multiply-adds.

python summary.py
python summary.py --set model.name=allconv --set model.num_feature_maps=24
"""

import argparse

from build import input_of, network_of
from command import run
from config import add_config_arguments, load_config
from model.summary import network_summary


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
