"""What the network hears and answers: the spectrograms of a few fixed intervals, as a figure."""

import numpy as np
import torch
from accelerate.utils import send_to_device
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from pipeline.shardset import ShardSet
from pipeline.stream import Stream
from pipeline.trainable import HearingNetwork
from songkey.keys import KEYS

INTERVALS = 4


class Examples:
    """The same few intervals of a split each time, spread evenly over it."""

    def __init__(self, shards: ShardSet, bins_per_octave: int):
        order = np.unique(np.linspace(0, shards.total - 1, INTERVALS).astype(int))
        stream = Stream(shards, order, len(order), rank=0, ranks=1, max_bad_samples=len(order))
        self._batch = next(iter(stream))
        songs = shards.song_table()
        self._song_ids = [songs.song_id(int(index)) for index in self._batch.song_index]
        self._seconds = shards.splits[0].manifest.settings.interval_seconds
        self._bins_per_octave = bins_per_octave

    @torch.inference_mode()
    def figure(self, network: nn.Module, front_end: nn.Module) -> Figure:
        """The network's input for each interval, under its true key and the network's answer."""
        network.eval()
        front_end.eval()
        device = next(network.parameters()).device
        heard, key_id = front_end(send_to_device(self._batch, device))  # (B, F, T), (B,)
        confidence, answer = network(heard).float().softmax(dim=1).max(dim=1)  # (B,), (B,)
        cqt = heard
        if isinstance(network, HearingNetwork):  # with a CQT of its own: it heard waveforms (B, S)
            cqt, _ = network.augment(network.log_cqt(heard), key_id)  # (B, F, T)
        figure = Figure(figsize=(7, 2.2 * len(cqt)), layout="constrained")
        all_axes = figure.subplots(len(cqt), sharex=True, squeeze=False)[:, 0]
        octaves = cqt.shape[1] / self._bins_per_octave
        for place, axes in enumerate(all_axes):
            _draw(axes, cqt[place], self._seconds, octaves)
            true, heard = KEYS[int(key_id[place])], KEYS[int(answer[place])]
            title = (
                f"{true}, answered {heard} ({100 * float(confidence[place]):.0f}%)   "
                f"{self._song_ids[place]}"
            )
            axes.set_title(
                title if self._batch.valid[place] else "this interval could not be read",
                color="green" if true == heard else "firebrick",
                parse_math=False,  # a song's id may hold any sign
                fontsize=10,
            )
        all_axes[-1].set_xlabel("seconds")
        return figure


def _draw(axes: Axes, cqt: Tensor, seconds: float, octaves: float) -> None:
    """One interval, (F, T) of 0 to 1, low pitches at the bottom."""
    axes.imshow(
        cqt.float().cpu().numpy(), origin="lower", aspect="auto", cmap="magma", vmin=0, vmax=1,
        interpolation="nearest", extent=(0, seconds, 0, octaves),
    )  # fmt: skip
    axes.set_ylabel("octaves")
    axes.set_yticks(range(int(octaves) + 1))
