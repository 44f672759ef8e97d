"""Show the network that the settings make: layers, output shapes, parameters, multiply-adds.

python -m training.summary
python -m training.summary --set model.name=allconv --set model.num_feature_maps=24
"""

import settings.extras  # noqa: F401  # isort: skip

from torch import Tensor, nn
from torchinfo import ModelStatistics, summary
from torchinfo.enums import Units

from evaluation.listener import input_of, network_of
from settings.command import run
from settings.config import config_parser, load_config

COLUMNS = ("output_size", "num_params", "mult_adds")
DEPTH = 3  # modules inside modules that get a line: down to each convolution or block of one


def main() -> None:
    """Parse the command line, print the table for one interval."""
    parser = config_parser(__doc__)
    arguments = parser.parse_args()
    config = load_config(arguments.config, arguments.overrides)
    print(network_summary(network_of(config), input_of(config)))


def network_summary(network: nn.Module, example: Tensor) -> ModelStatistics:
    """What `network` does with `example`, of one interval; its text is the table.

    Multiply-adds are those of torch's own layers: the kernels of a trainable CQT count none. Raises
    what the network raises.
    """
    try:
        statistics = summary(
            network, input_data=example, col_names=COLUMNS, row_settings=("var_names",),
            depth=DEPTH, verbose=0,
        )  # fmt: skip
    except RuntimeError as error:  # torchinfo wraps what the network says of an unfit input
        raise error.__cause__ or error from None
    statistics.formatting.macs_units = Units.NONE  # else "Units.MEGABYTES" with Python 3.11
    return statistics


if __name__ == "__main__":
    run(main)
