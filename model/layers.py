"""A network's layers as a table: output shapes, parameters, multiply-adds."""

from torch import Tensor, nn
from torchinfo import ModelStatistics, summary
from torchinfo.enums import Units

COLUMNS = ("output_size", "num_params", "mult_adds")
DEPTH = 3  # modules inside modules that get a line: down to each convolution or block of one


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
