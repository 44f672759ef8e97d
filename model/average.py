"""The exponential moving average of a network's weights, which often answers better than they."""

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def moving_average(network: nn.Module, decay: float) -> AveragedModel:
    """A copy of `network` (.module) that `update_parameters(network)` moves after each step.

    The first update copies, each later one keeps `decay` of the average. Batch norm's statistics
    are averaged like the weights: those of the latest weights would fit the average less well,
    which lags behind them by about 1 / (1 - decay) steps.
    """
    return AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
