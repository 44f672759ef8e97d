"""What shapes shards: the settings that their records and manifests repeat."""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from pipeline.strict import Count, Finite, Frozen
from settings.differences import differences

FORMAT_VERSION = 1


class PackSettings(Frozen):
    """Everything that shapes a split's shards: the same settings and songs give the same bytes.

    On processors of one kind: on another, samples and levels may be rounded otherwise.
    """

    format_version: int = FORMAT_VERSION
    dataset: str
    split: str
    format: Literal["audio", "png"]
    sample_rate: Count  # Hz
    interval_seconds: Finite
    cqt: dict[str, Any] | None  # config.toml's [cqt] for png, None for audio
    songs_per_shard: int
    max_shard_bytes: int
    seed: int
    # How many, and a digest of their names, keys and sizes: in a record of the task's own songs, in
    # a manifest of all that are there, and of the shards that they lie in.
    songs: str
    # Of audio. Not written where it is FLAC, as all shards were before there was a choice.
    audio_file: Literal["flac", "wav"] = Field(
        default="flac", exclude_if=lambda audio_file: audio_file == "flac"
    )

    # Which songs train, validate and test, where they do not say so themselves. Not written by
    # those who packed before it was.
    split_rule: str = Field(default="", exclude_if=lambda rule: not rule)

    @model_validator(mode="after")
    def _says_what_a_sample_is(self) -> Self:
        if (self.cqt is not None) != (self.format == "png"):
            raise ValueError("cqt is for the format png, and only for it")
        if not all(isinstance(value, int | float) for value in (self.cqt or {}).values()):
            raise ValueError("cqt holds numbers alone")
        return self

    @property
    def interval_samples(self) -> int:
        """S, of the audio of one interval."""
        return round(self.interval_seconds * self.sample_rate)

    @property
    def media_shape(self) -> tuple[int, ...]:
        """Of one decoded sample: (S,) of audio, (F, T) of a spectrogram with its margins."""
        return media_shape(self.interval_samples, self.cqt)

    @property
    def fingerprint(self) -> str:
        """A digest of all settings."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def changed_for_more(self, today: "PackSettings") -> str:
        """Which differ so that shards of today's cannot join these, in words; empty if none."""
        told = today.everything
        del told["songs"]
        if not (self.split_rule and today.split_rule):
            del told["split_rule"]
        return self.changed(told)

    def changed(self, today: Mapping[str, Any]) -> str:
        """Which of today's settings are others than these, in words; empty where none is."""
        return differences({name: getattr(self, name) for name in today}, dict(today))

    @property
    def everything(self) -> dict[str, Any]:
        """Each setting by its name, those too that are not written."""
        return {name: getattr(self, name) for name in type(self).model_fields}

    @property
    def extension(self) -> str:
        """Of the member that holds an interval."""
        return self.audio_file if self.format == "audio" else self.format


def media_shape(interval_samples: int, cqt: Mapping[str, Any] | None) -> tuple[int, ...]:
    """Of one decoded interval: (S,) of audio or, with a [cqt], (F, T) with its margins."""
    if cqt is None:
        return (interval_samples,)
    margins = 2 * cqt["margin_semitones"] * cqt["bins_per_octave"] // 12
    return (cqt["n_bins"] + margins, interval_samples // cqt["hop_length"] + 1)
