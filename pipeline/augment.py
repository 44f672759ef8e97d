"""Variations of a batch of log CQTs, on its device and only in training mode: nn.Modules.

Every interval draws its own from torch's global generator. In evaluation mode `Augment` crops the
margin and scales, and does nothing else.
Shapes: B intervals, F CQT bins that the network sees, M bins of margin below and above, T frames.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchaudio.functional import mask_along_axis_iid

from pipeline.cqt import unit_scale
from songkey.errors import AudioKeyError


class Augment(nn.Module):
    """From a log CQT with its margin to the network's input: transposed, coloured and masked."""

    def __init__(
        self, bins_per_octave: int, margin_bins: int, range_db: float, transpose_semitones: int,
        detune_cents: float, tilt_db_per_octave: float, equaliser_db: float, noise_floor_db: float,
        frequency_mask_bins: int, time_mask_frames: int,
    ):  # fmt: skip
        super().__init__()
        self.range_db = range_db
        self.transpose = RandomTranspose(transpose_semitones, bins_per_octave, margin_bins)
        self.detune = RandomDetune(detune_cents, bins_per_octave)
        self.tilt = RandomTilt(tilt_db_per_octave, bins_per_octave, range_db)
        self.equaliser = RandomEqualiser(equaliser_db, range_db)
        self.noise = RandomNoise(noise_floor_db, range_db)
        self.mask = RandomMask(frequency_mask_bins, time_mask_frames)

    def forward(self, cqt: Tensor, key_id: Tensor) -> tuple[Tensor, Tensor]:
        """Decibels (B, F + 2M, T) and key ids (B,) -> (B, F, T) of 0 to 1, and their key ids."""
        cqt, key_id = self.transpose(self.detune(cqt), key_id)
        coloured = self.equaliser(self.tilt(unit_scale(cqt, self.range_db)))
        return self.mask(self.noise(coloured)), key_id


class RandomTranspose(nn.Module):
    """Each interval and its key moved by at most `max_semitones` up or down, all tonics alike.

    Shifts to one tonic share its chance: of -6 and +6 each has half of what -5 has. So no tritone
    is drawn twice as often as other intervals, and both edges of the margin are used alike.
    """

    chances: Tensor

    def __init__(self, max_semitones: int, bins_per_octave: int, margin_bins: int):
        super().__init__()
        if max_semitones * bins_per_octave > margin_bins * 12:
            raise AudioKeyError(
                f"augment.transpose_semitones = {max_semitones}: the CQT's margin holds "
                f"{margin_bins * 12 // bins_per_octave}; lower it or raise cqt.margin_semitones"
            )
        self.max_semitones, self.margin_bins = max_semitones, margin_bins
        self.bins_per_semitone = bins_per_octave // 12
        tonics = torch.arange(-max_semitones, max_semitones + 1) % 12  # (shifts,)
        self.register_buffer("chances", 1 / tonics.bincount()[tonics], persistent=False)

    def forward(self, cqt: Tensor, key_id: Tensor) -> tuple[Tensor, Tensor]:
        """(B, F + 2M, T) and (B,) -> (B, F, T) and (B,); the unmoved centre in evaluation mode."""
        if not self.training:
            return cqt[:, self.margin_bins : cqt.shape[1] - self.margin_bins], key_id
        shifts = self.chances.multinomial(len(key_id), replacement=True)  # (B,)
        semitones = shifts - self.max_semitones
        return transpose(cqt, key_id, semitones, self.margin_bins, self.bins_per_semitone)


class RandomDetune(nn.Module):
    """Each interval's pitch moved by at most `max_cents`, up or down, its key kept: at most a bin.

    Levels are interpolated between bins, as music in another tuning shares its energy among them.
    """

    def __init__(self, max_cents: float, bins_per_octave: int):
        super().__init__()
        self.max_bins = max_cents * bins_per_octave / 1200
        if self.max_bins > 1:
            raise AudioKeyError(
                f"augment.detune_cents = {max_cents}: a bin is {1200 / bins_per_octave:g} cents; "
                "give no more"
            )

    def forward(self, cqt: Tensor) -> Tensor:
        """(B, F + 2M, T) decibels -> the same; the outermost bins are their own neighbours."""
        if not self.training or not self.max_bins:
            return cqt
        bins = self.max_bins * (2 * torch.rand(len(cqt), 1, 1, device=cqt.device) - 1)  # (B, 1, 1)
        below = torch.cat([cqt[:, :1], cqt[:, :-1]], dim=1)
        above = torch.cat([cqt[:, 1:], cqt[:, -1:]], dim=1)
        return torch.lerp(cqt, torch.where(bins > 0, below, above), bins.abs())


class RandomTilt(nn.Module):
    """Each interval's spectrum tilted by at most `max_db_per_octave`, up or down.

    The loudest bin keeps its level, as when equalised audio is transformed.
    """

    def __init__(self, max_db_per_octave: float, bins_per_octave: int, range_db: float):
        super().__init__()
        self.max_per_bin = max_db_per_octave / bins_per_octave / range_db

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, T) of 0 to 1 -> the same."""
        if not self.training:
            return x
        slope = self.max_per_bin * (2 * torch.rand(len(x), 1, 1, device=x.device) - 1)  # (B, 1, 1)
        tilted = x + slope * torch.arange(x.shape[1], device=x.device)[:, None]  # (B, F, T)
        return _as_loud(tilted, x)


class RandomEqualiser(nn.Module):
    """Each interval's spectrum through an equaliser of a few bands, of about `max_db` at most."""

    BANDS = 8

    def __init__(self, max_db: float, range_db: float):
        super().__init__()
        self.max_gain = max_db / range_db

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, T) of 0 to 1 -> the same."""
        if not self.training or not self.max_gain:
            return x
        bands = torch.randn(len(x), 1, self.BANDS, device=x.device)
        gains = interpolate(bands, x.shape[1], mode="linear", align_corners=True)  # (B, 1, F)
        strength = self.max_gain / 2 * torch.rand(len(x), 1, 1, device=x.device)  # two sigmas
        return _as_loud(x + strength * gains.transpose(1, 2), x)


class RandomNoise(nn.Module):
    """Half of the intervals above noise that is at most `floor_db` louder than silence."""

    ROUGHNESS = 0.03  # of the scale, standard deviation

    def __init__(self, floor_db: float, range_db: float):
        super().__init__()
        self.highest = floor_db / range_db

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, T) of 0 to 1 -> the same."""
        if not self.training or not self.highest:
            return x
        floor = self.highest * torch.rand(len(x), 1, 1, device=x.device)  # (B, 1, 1)
        noisy = torch.maximum(x, floor + self.ROUGHNESS * torch.randn_like(x))
        chosen = torch.rand_like(floor) < 0.5
        return torch.where(chosen, noisy, x).clamp(0, 1)


class RandomMask(nn.Module):
    """SpecAugment's masks (Park et al. 2019): a band of bins, a stretch of frames fall silent.

    As there, none begins so late that it would hide the last bin or frame, unless it hides all.
    """

    def __init__(self, max_bins: int, max_frames: int):
        super().__init__()
        self.max_bins, self.max_frames = max_bins, max_frames

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, T) of 0 to 1 -> the same, with zeros."""
        if not self.training:
            return x
        # Masks of ones: to mask x itself, once along each axis, takes over twice the time.
        bins = _masked(x.new_ones(len(x), x.shape[1], 1), self.max_bins, axis=1)  # (B, F, 1)
        frames = _masked(x.new_ones(len(x), 1, x.shape[2]), self.max_frames, axis=2)  # (B, 1, T)
        return x * bins * frames


def transpose(
    cqt: Tensor, key_id: Tensor, semitones: Tensor, margin_bins: int, bins_per_semitone: int
) -> tuple[Tensor, Tensor]:
    """The music moved up by `semitones` (B,), its margin cropped, and its key with the tonic moved.

    cqt (B, F + 2M, T) -> (B, F, T): up by k semitones, a bin shows what lay k semitones below it.
    """
    n_bins = cqt.shape[1] - 2 * margin_bins
    lowest = margin_bins - semitones * bins_per_semitone  # (B,)
    rows = lowest[:, None] + torch.arange(n_bins, device=cqt.device)  # (B, F)
    tonic = (key_id + semitones) % 12
    return cqt.take_along_dim(rows[:, :, None], dim=1), tonic + key_id // 12 * 12


def _as_loud(changed: Tensor, x: Tensor) -> Tensor:
    """`changed` (B, F, T) at the levels where its loudest bin is as loud as that of `x`, 0 to 1."""
    louder = changed.amax(dim=(1, 2), keepdim=True) - x.amax(dim=(1, 2), keepdim=True)
    return (changed - louder).clamp(0, 1)


def _masked(ones: Tensor, max_width: int, axis: int) -> Tensor:
    """In each example 0 to `max_width` neighbours along `axis` zero, all widths equally likely."""
    # torchaudio draws a width below its parameter, and would take one that no interval has.
    return mask_along_axis_iid(ones, min(max_width, ones.shape[axis]) + 1, 0.0, axis)
