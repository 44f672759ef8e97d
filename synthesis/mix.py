"""Mixing: a piece -> its waveform. A layer renders each pitch once, for all notes of it."""

from collections.abc import Sequence

import numpy as np
from scipy.signal import butter, sosfilt

from synthesis.arrangement import Layer, Piece
from synthesis.drums import sounds
from synthesis.effects import risen, swept
from synthesis.production import Production, produce
from synthesis.timbre import frequency_of, tone

AMPLIFIER_HZ = 4000.0


def mixed(
    piece: Piece, production: Production, count: int, sample_rate: int, rng: np.random.Generator
) -> np.ndarray:
    """The finished waveform, (S,) float32 with S = count."""
    dry, sends = np.zeros((2, count), np.float32)
    ducking = kick_envelope(piece, count, sample_rate)
    for layer in piece.layers:
        stem = played(layer, piece, production.tuning_cents, count, sample_rate, rng)
        if layer.drive:
            stem = overdriven(stem, layer.drive, sample_rate)
        stem *= loudness_gain(stem, layer.gain_db)
        if layer.pump:
            stem *= 1 - np.float32(layer.pump) * ducking
        dry += stem
        sends += np.float32(layer.reverb_send) * stem
    if piece.sweep:
        dry = swept(dry, piece.sweep, sample_rate)
    for riser in piece.risers:
        added(dry, risen(riser, sample_rate, rng), int(riser.start_seconds * sample_rate))
    if piece.hits:
        stem = drummed(piece, count, sample_rate, rng)
        stem *= loudness_gain(stem, piece.drums_db)
        dry += stem
        sends += np.float32(0.15) * stem
    return produce(dry, sends, production, sample_rate, rng)


def played(
    layer: Layer, piece: Piece, tuning_cents: float, count: int, sample_rate: int,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """One layer by itself, (S,)."""
    out = np.zeros(count, np.float32)
    if not layer.notes:
        return out
    beats, lengths, pitches, velocities = np.array(layer.notes, dtype=np.float64).T
    starts = seconds_at(beats, piece)
    durations = seconds_at(beats + lengths, piece) - starts
    starts = starts + rng.normal(0, piece.jitter_seconds, starts.size)
    release = int(layer.timbre.release_seconds * sample_rate)
    fade = np.linspace(1, 0, release + 1, dtype=np.float32) ** 2
    heard = (starts < count / sample_rate) & (starts + durations + layer.timbre.release_seconds > 0)
    for pitch in np.unique(pitches[heard]):
        chosen = np.flatnonzero(heard & (pitches == pitch))
        longest = durations[chosen].max() + layer.timbre.release_seconds + 0.01
        waveform = tone(layer.timbre, frequency_of(pitch, tuning_cents), longest, sample_rate, rng)
        for index in chosen:
            held = int(durations[index] * sample_rate)
            note = waveform[: held + release + 1] * np.float32(velocities[index] ** piece.dynamics)
            note[held:] *= fade[: note.size - held]
            added(out, note, int(starts[index] * sample_rate))
    return out


def overdriven(stem: np.ndarray, drive: float, sample_rate: int) -> np.ndarray:
    """A stem through an amplifier: chords are clipped as a whole, which adds difference tones."""
    clipped = np.tanh(np.float32(drive) * loudness_gain(stem, 0.0) * stem)
    low_pass = butter(2, min(AMPLIFIER_HZ, 0.4 * sample_rate), fs=sample_rate, output="sos")
    return sosfilt(low_pass.astype(np.float32), clipped)


def drummed(piece: Piece, count: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """The drums by themselves, (S,)."""
    out = np.zeros(count, np.float32)
    kit = sounds(piece.kit, sample_rate, rng)
    starts = seconds_at([hit.start_beats for hit in piece.hits], piece)
    for hit, start in zip(piece.hits, starts, strict=True):
        added(out, kit[hit.sound] * np.float32(hit.velocity), int(start * sample_rate))
    return out


def seconds_at(beats: Sequence[float] | np.ndarray, piece: Piece) -> np.ndarray:
    """When beats fall, in seconds from the song's beginning."""
    return np.interp(beats, piece.grid_beats, piece.grid_seconds)


def added(out: np.ndarray, note: np.ndarray, start: int) -> None:
    """Adds `note` to `out` at sample `start`, cut where it reaches beyond either end."""
    first, last = max(start, 0), min(start + note.size, out.size)
    if first < last:
        out[first:last] += note[first - start : last - start]


def loudness_gain(stem: np.ndarray, gain_db: float) -> np.float32:
    """What brings a stem to `gain_db` where it sounds; silence stays silent."""
    blocks = stem[: stem.size // 1024 * 1024].reshape(-1, 1024)
    power = np.einsum("bs,bs->b", blocks, blocks) / 1024
    loud = power[power > 1e-3 * power.max(initial=1e-12)]
    return np.float32(10 ** (gain_db / 20) / np.sqrt(loud.mean())) if loud.size else np.float32(0)


def kick_envelope(piece: Piece, count: int, sample_rate: int) -> np.ndarray:
    """1 at each kick, falling to 0 within a third of a second, (S,) float32."""
    curve = np.linspace(1, 0, sample_rate // 3, dtype=np.float32) ** 2
    out = np.zeros(count, np.float32)
    starts = seconds_at([hit.start_beats for hit in piece.hits], piece)
    for hit, start_seconds in zip(piece.hits, starts, strict=True):
        start = int(start_seconds * sample_rate)
        if hit.sound == "kick" and 0 <= start < count:
            out[start : start + curve.size] = curve[: count - start]
    return out
