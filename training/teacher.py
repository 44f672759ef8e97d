"""What music without labels teaches: answers of the averaged network, made song by song.

A song has one key, as a rule. So the target of an interval is half what the network says of it,
half what it says of the whole song, and only where that is sure does the interval count. The
student hears the interval transposed and coloured, and should give the same answer, moved with it.
Shapes: N intervals without labels, of songs numbered in song_index (N,); B of them in a step.
"""

import logging
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from model.loss import soft_cross_entropy
from model.trained_songs import NONE, TrainedSongs
from pipeline.frontend import FrontEnd, Waveforms
from pipeline.sample import Batch
from pipeline.unlabelled import Unlabelled
from settings.sections import Adapt

TOGETHER = 64  # intervals answered at a time

logger = logging.getLogger(__name__)


class Targets(NamedTuple):
    """What the intervals without labels should be answered with."""

    shares: Tensor  # (N, 24), each row sums to 1
    sure: Tensor  # (N,) bool: whether the interval counts
    song_keys: Tensor  # (songs,) the key ids that the songs are answered with


class Teacher:
    """Targets for music without labels, renewed every few steps, and the loss against them."""

    targets: Targets  # of the last renewal

    def __init__(self, music: Unlabelled, setting: Adapt):
        self._music, self._setting = music, setting
        self._song_index = music.song_index
        self._steps_left = 0  # until the targets are to be renewed

    @property
    def fingerprint(self) -> str:
        """What identifies the music to a checkpoint."""
        return self._music.fingerprint

    @property
    def songs(self) -> TrainedSongs:
        """The songs of the music, by their sound."""
        digests = self._music.digests
        missing = int(np.count_nonzero(digests == 0))
        unknown = f"the sound is unknown of {missing} of {len(digests)} songs without labels"
        return TrainedSongs.of(NONE, digests, [unknown] if missing else [])

    def before_step(self, network: nn.Module, front_end: nn.Module, device: torch.device) -> bool:
        """Renew the targets where that is due; whether it was, which leaves evaluation mode on."""
        due = self._steps_left == 0
        if due:
            sure = self.renew(network, front_end, device).sure
            logger.info("without labels: %d of %d intervals are sure", int(sure.sum()), len(sure))
            self._steps_left = self._setting.renew_every_steps
        self._steps_left -= 1
        return due

    @torch.no_grad()
    def renew(self, network: nn.Module, front_end: nn.Module, device: torch.device) -> Targets:
        """Let `network` answer all intervals as they are; leaves it in evaluation mode."""
        network.eval()
        front_end.eval()
        logits = [
            network(front_end(self._batch(slice(first, first + TOGETHER), device))[0]).float()
            for first in range(0, len(self._music.levels), TOGETHER)
        ]
        self.targets = targets_of(torch.cat(logits), self._song_index.to(device), self._setting)
        return self.targets

    def loss(
        self, network: Callable[[Tensor], Tensor], front_end: FrontEnd | Waveforms, count: int
    ) -> Tensor:
        """Of `count` intervals drawn at random, the mean over those that are sure, weighted."""
        drawn = torch.randint(len(self._music.levels), (count,))  # (B,)
        shares, sure = self.targets.shares, self.targets.sure
        batch = self._batch(drawn.numpy(), shares.device)
        heard, semitones = front_end(batch)  # (B, F, T), and (B,): where C major is now, 0 to 11
        drawn = drawn.to(shares.device)
        losses = soft_cross_entropy(network(heard), transposed(shares[drawn], semitones))  # (B,)
        sure = sure[drawn]
        return self._setting.weight * (losses * sure).sum() / sure.sum().clamp(min=1)

    def _batch(self, which: slice | np.ndarray, device: torch.device) -> Batch:
        """Those intervals, all under the key C major: what becomes of it is how they were moved."""
        levels = torch.from_numpy(np.array(self._music.levels[which])).to(device)  # (B, F + 2M, T)
        c_major = torch.zeros(len(levels), dtype=torch.int64, device=device)  # (B,)
        return Batch(None, levels, c_major, c_major, torch.ones_like(c_major, dtype=torch.bool))


def targets_of(logits: Tensor, song_index: Tensor, setting: Adapt) -> Targets:
    """Targets from the logits (N, 24) of intervals of songs (N,)."""
    own = (logits / setting.temperature).softmax(dim=1)  # (N, 24)
    counts = song_index.bincount()  # (songs,)
    songs = own.new_zeros(len(counts), 24).index_add_(0, song_index, own) / counts[:, None]
    shares = ((own + songs[song_index]) / 2) ** setting.sharpening
    shares = shares / shares.sum(dim=1, keepdim=True)
    return Targets(shares, shares.amax(dim=1) > setting.confidence, songs.argmax(dim=1))


def transposed(shares: Tensor, semitones: Tensor) -> Tensor:
    """Shares of keys (B, 24) of music `semitones` (B,) higher: in each mode tonics go round."""
    key_id = torch.arange(24, device=shares.device)
    came_from = (key_id - semitones[:, None]) % 12 + key_id // 12 * 12  # (B, 24)
    return shares.gather(1, came_from)
