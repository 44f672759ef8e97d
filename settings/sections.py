"""Every setting of config.toml as a frozen, typed record; its sections and names are the file's."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from settings.datasets import Datasets, Download, Foreign, Images
from settings.kinds import (
    Balance,
    Count,
    CountOrZero,
    Fraction,
    Integer,
    Names,
    Number,
    Place,
    Positive,
    PositiveOrZero,
    Section,
    Share,
)


class Audio(Section):
    sample_rate: Annotated[Integer, Field(ge=8000, le=192000)]


class Cut(Section):
    """What [prepare] says of an interval."""

    interval_seconds: Annotated[Number, Field(ge=1)]


class Prepare(Cut):
    shards_dir: Place
    songs_per_shard: Count
    max_shard_bytes: Annotated[Integer, Field(ge=1_000_000)]
    audio_file: Literal["flac", "wav"]
    seed: CountOrZero
    workers: Literal["auto"] | Count


class Split(Section):
    valid_fraction: Fraction
    test_fraction: Fraction
    seed: Integer

    @model_validator(mode="after")
    def _leaves_songs_to_train_on(self) -> "Split":
        if self.valid_fraction + self.test_fraction >= 1:
            raise ValueError("valid_fraction and test_fraction together leave nothing to train on")
        return self


class Cqt(Section):
    fmin_hz: Positive
    n_bins: Count
    bins_per_octave: Count
    margin_semitones: CountOrZero
    hop_length: Count
    range_db: Positive
    trainable: bool

    @property
    def shape(self) -> dict[str, Any]:
        """What shapes a spectrogram: all but whether training goes on to change its kernels."""
        return self.model_dump(exclude={"trainable"})


class Augment(Section):
    transpose_semitones: CountOrZero
    frequency_mask_bins: CountOrZero
    time_mask_frames: CountOrZero
    detune_cents: PositiveOrZero
    tilt_db_per_octave: PositiveOrZero
    equaliser_db: PositiveOrZero
    noise_floor_db: PositiveOrZero


class Stream(Section):
    format: Literal["audio", "png"]
    reader: Literal["index", "webdataset"]
    urls: tuple[str, ...]
    epoch_intervals: Count
    buffer_samples: Count
    workers: CountOrZero
    lanes: Count
    block_intervals: Count
    cache_dir: Place
    cache_gigabytes: Positive
    unreachable: Literal["stop", "leave_out"]
    max_bad_samples: CountOrZero
    allow_overlap: bool


class Model(Section):
    name: str
    channels: Count
    num_feature_maps: Annotated[Integer, Field(ge=2, le=30)]
    recurrent_units: Count
    dropout: Fraction


class Hearing(Section):
    """What the weights of a network belong to: its input and its shape."""

    audio: Audio
    prepare: Cut
    cqt: Cqt
    augment: Augment
    model: Model

    @property
    def interval_samples(self) -> int:
        """S, of the audio of one interval."""
        return round(self.prepare.interval_seconds * self.audio.sample_rate)


class Loss(Section):
    name: Literal["cross_entropy", "mirex"]
    normalised: bool
    label_smoothing: Fraction
    class_weights: Balance
    confidence_weights: bool


class Train(Section):
    datasets: Names
    dataset_weights: dict[str, Positive]
    balance: Balance
    epochs: Count
    global_batch_size: Count
    limit_fraction: Share
    learning_rate: Positive
    weight_decay: PositiveOrZero
    schedule: Literal["cosine", "plateau", "constant"]
    warmup_fraction: Fraction
    plateau_factor: Annotated[Number, Field(gt=0, lt=1)]
    plateau_patience_epochs: CountOrZero
    clip_norm: Positive
    accumulation: Count
    mixed_precision: Literal["auto", "no", "bf16", "fp16"]
    compile: bool
    ema_decay: Fraction
    patience_epochs: CountOrZero
    smallest_gain: PositiveOrZero
    log_every_steps: Count
    pictures_every_epochs: Count
    checkpoint_every_steps: Count
    keep_best: Count
    seed: CountOrZero
    runs_dir: Place


class Adapt(Section):
    dir: Place
    least_seconds: PositiveOrZero
    epochs: Count
    steps_per_epoch: Count
    batch_size: Count
    learning_rate: Positive
    ema_decay: Annotated[Number, Field(gt=0, lt=1)]
    weight: PositiveOrZero
    temperature: Positive
    sharpening: Positive
    confidence: Fraction
    renew_every_steps: Count
    tolerance: PositiveOrZero


class Eval(Section):
    datasets: Names
    split: Literal["train", "valid", "test"]
    batch_size: Count


class Smoke(Section):
    overfit_loss: Positive
    overfit_steps: Count


class Tune(Section):
    most_intervals_on_cpu: Count
    seconds_a_size: Positive
    lowest_rate: Positive
    highest_rate: Positive
    rate_steps: Annotated[Integer, Field(ge=10)]

    @model_validator(mode="after")
    def _rises(self) -> "Tune":
        if self.lowest_rate >= self.highest_rate:
            raise ValueError("lowest_rate must be below highest_rate")
        return self


class Config(Hearing):
    """Every setting, typed; its sections and names are those of config.toml."""

    prepare: Prepare
    split: Split
    datasets: Datasets
    download: Download
    images: Images
    foreign: Foreign
    stream: Stream
    loss: Loss
    train: Train
    adapt: Adapt
    eval: Eval
    smoke: Smoke
    tune: Tune
