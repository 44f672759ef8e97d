"""How sure a song's answer is, and from where on its key is clear: fitted to held-out songs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.heard import Heard
from evaluation.temperature import CalibrationError, Fit, fit_temperature
from songkey.estimate import AnswerRule, KeyEstimate, estimate_song, mean_energy

KEYED_SHARE_BELOW = 0.03  # at most, of the songs with a key, below each of the two thresholds


@dataclass(frozen=True)
class RuleFit:
    """A rule with fitted song temperature and thresholds, and what these do."""

    rule: AnswerRule
    temperature: Fit
    keyed_unclear: float  # share of the songs with a key
    unkeyed_unclear: float  # share of the sounds without one; nan if there is none


def fit_rule(songs: Sequence[Heard], rule: AnswerRule) -> RuleFit:
    """The song temperature of the least cross entropy, and the highest thresholds that are allowed.

    Below each lies at most a share of KEYED_SHARE_BELOW of the `songs` with a key.
    """
    keyed, unkeyed = (
        [s for s in songs if (s.key is not None) == has_key] for has_key in (True, False)
    )
    if not keyed:
        raise CalibrationError("no song with a key to fit a rule on")
    plain = replace(
        rule, song_temperature=1.0, clear_threshold=0.0, clear_energy=None, minor_prior=0.5
    )
    probabilities = np.array([one.probabilities for one in _estimates(keyed, plain)])  # (N, 24)
    key_ids = np.array([song.key.id for song in keyed if song.key])  # (N,)
    fit = fit_temperature(np.log(probabilities.clip(min=1e-300)), key_ids)
    sharpened = replace(plain, song_temperature=round(fit.temperature, 3))
    threshold = _bound([one.confidence for one in _estimates(keyed, sharpened)])
    energy = _bound([mean_energy(song.logits) for song in keyed])
    fitted = replace(sharpened, clear_threshold=threshold, clear_energy=energy)
    return RuleFit(fitted, fit, *(unclear_share(part, fitted) for part in (keyed, unkeyed)))


def _bound(values: Sequence[float]) -> float:
    """The highest that no more than that share of the values lies below, rounded down."""
    return math.floor(1000 * sorted(values)[int(KEYED_SHARE_BELOW * len(values))]) / 1000


def unclear_share(songs: Sequence[Heard], rule: AnswerRule) -> float:
    """The share, 0 to 1, of songs that a rule finds no clear key in; nan of none."""
    unclear = [not one.is_clear for one in _estimates(songs, rule)]
    return float(np.mean(unclear)) if unclear else float("nan")


def fit_lines(fit: RuleFit, songs: int) -> list[str]:
    """What to give export, and what it was fitted on and does."""
    before, after = fit.temperature.before, fit.temperature.after
    return [
        f"fitted on {songs} songs with a key: --song-temperature {fit.rule.song_temperature} "
        f"--clear-threshold {fit.rule.clear_threshold} --clear-energy {fit.rule.clear_energy}",
        f"their loss {fit.temperature.loss_before:.3f} -> {fit.temperature.loss:.3f}, expected "
        f"calibration error {100 * before.error:.1f}% -> {100 * after.error:.1f}%",
        f"no clear key: {100 * fit.keyed_unclear:.1f}% of them, "
        f"{100 * fit.unkeyed_unclear:.1f}% of the sounds without a key",
    ]


def _estimates(songs: Sequence[Heard], rule: AnswerRule) -> list[KeyEstimate]:
    return [estimate_song(song.logits, rule) for song in songs]
