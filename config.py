"""The settings of config.toml as frozen records that refuse what they do not know."""

import argparse
import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli
import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

DEFAULTS = Path(__file__).with_name("config.toml")

Count = Annotated[int, Field(ge=1)]
CountOrZero = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Names = Annotated[tuple[str, ...], Field(min_length=1)]
Url = Annotated[str, Field(pattern=r"^https?://")]
Urls = Annotated[tuple[Url, ...], Field(min_length=1)]  # mirrors, in the order of trying
SongUrl = Annotated[str, Field(pattern=r"^https?://.*\{id\}")]
SongUrls = Annotated[tuple[SongUrl, ...], Field(min_length=1)]


class ConfigError(ValueError):
    """A setting that does not exist or cannot have its value."""


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Audio(Section):
    sample_rate: Annotated[int, Field(ge=8000, le=192000)]


class Prepare(Section):
    shards_dir: str
    interval_seconds: Annotated[float, Field(ge=1)]
    songs_per_shard: Count
    max_shard_bytes: Annotated[int, Field(ge=1_000_000)]
    seed: CountOrZero
    workers: Literal["auto"] | Count


class Split(Section):
    valid_fraction: Fraction
    test_fraction: Fraction
    seed: int

    @model_validator(mode="after")
    def _leaves_songs_to_train_on(self) -> "Split":
        if self.valid_fraction + self.test_fraction >= 1:
            raise ValueError("valid_fraction and test_fraction together leave nothing to train on")
        return self


class Synthetic(Section):
    songs: Count
    song_seconds: Annotated[float, Field(ge=1)]
    seed: CountOrZero


class Folder(Section):
    path: str
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]


class GsKey(Section):
    annotations: Urls
    audio: SongUrls


class GsKeyPlus(Section):
    keys: Urls
    keys_checksum: Annotated[str, Field(pattern=r"^(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64})?$")]


class GsMtg(Section):
    annotations: Urls
    audio: SongUrls
    minimum_confidence: Annotated[int, Field(ge=0, le=2)]
    require_empty_comment: bool


class Ncs(Section):
    listing_url: Annotated[str, Field(pattern=r"^https?://.*\{page\}")]
    pause_seconds: Annotated[float, Field(ge=0)]
    expected_releases: Count
    labels: str


class Datasets(Section):
    synthetic: Synthetic
    folder: Folder
    gs_key: GsKey
    gs_key_plus: GsKeyPlus
    gs_mtg: GsMtg
    ncs: Ncs


class Download(Section):
    dir: str
    connections_per_host: Count
    retries: CountOrZero
    first_delay_seconds: Positive
    longest_delay_seconds: Positive
    timeout_seconds: Positive
    most_archive_bytes: Count


class Images(Section):
    base_url: str
    datasets: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")], ...]


class Cqt(Section):
    fmin_hz: Positive
    n_bins: Count
    bins_per_octave: Count
    margin_semitones: CountOrZero
    hop_length: Count
    range_db: Positive


class Augment(Section):
    transpose_semitones: CountOrZero
    frequency_mask_bins: CountOrZero
    time_mask_frames: CountOrZero
    tilt_db_per_octave: Annotated[float, Field(ge=0)]


class Stream(Section):
    format: Literal["audio", "png"]
    workers: CountOrZero
    lanes: Count
    block_intervals: Count
    cache_dir: str
    max_bad_samples: CountOrZero


class Model(Section):
    name: str
    channels: Count
    dropout: Fraction


class Train(Section):
    datasets: Names
    epochs: Count
    global_batch_size: Count
    learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0)]
    warmup_fraction: Fraction
    clip_norm: Positive
    log_every_steps: Count
    checkpoint_every_steps: Count
    seed: CountOrZero
    runs_dir: str


class Eval(Section):
    datasets: Names
    split: Literal["train", "valid", "test"]
    batch_size: Count


class Config(Section):
    """Every setting, typed; its sections and names are those of config.toml."""

    audio: Audio
    prepare: Prepare
    split: Split
    datasets: Datasets
    download: Download
    images: Images
    cqt: Cqt
    augment: Augment
    stream: Stream
    model: Model
    train: Train
    eval: Eval


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Give an entry point `--config FILE` and the repeatable `--set section.name=value`."""
    parser.add_argument(
        "--config", metavar="FILE", help="a TOML file of what differs from config.toml"
    )
    parser.add_argument(
        "--set", metavar="SECTION.NAME=VALUE", action="append", default=[], dest="overrides",
        help="change one setting (repeatable), e.g. --set train.epochs=5",
    )  # fmt: skip


def load_config(file: str | None = None, overrides: Sequence[str] = ()) -> Config:
    """config.toml, changed by what `file` holds, then by each 'section.name=value' given."""
    settings = _read(DEFAULTS)
    if file:
        settings = _merged(settings, _read(Path(file)), Path(file).name)
    for text in overrides:
        settings = _merged(settings, _parse_override(text), f"--set {text}")
    return config_from_dict(settings)


def config_from_dict(settings: dict[str, Any], source: str = "config") -> Config:
    """The Config of nested plain values, such as a checkpoint's; raises ConfigError."""
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(
            "; ".join(_explain(problem, source) for problem in error.errors())
        ) from None


def write_config(config: Config, path: Path) -> None:
    """Write the resolved settings as a TOML file that `--config` reads back."""
    path.write_text(tomli_w.dumps(config.model_dump(mode="json")), encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomli.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name a TOML file") from None
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from None


def _parse_override(text: str) -> dict[str, Any]:
    """'a.b=value' as nested dicts; a bare word that is no TOML value is taken as a string."""
    name, equals, value = text.partition("=")
    *sections, last = name.strip().split(".")
    if not equals or not sections:
        raise ConfigError(f"--set {text}: write it as section.name=value, e.g. train.epochs=5")
    try:
        parsed = tomli.loads(f"value = {value}")["value"]
    except tomli.TOMLDecodeError:
        parsed = value.strip()
    nested: dict[str, Any] = {last: parsed}
    for section in reversed(sections):
        nested = {section: nested}
    return nested


def _merged(base: dict, changes: dict, source: str, section: str = "") -> dict:
    """`base` with `changes` laid over it; a name that `base` does not hold is refused."""
    result = dict(base)
    for name, value in changes.items():
        if name not in base:
            raise ConfigError(_unknown(name, list(base), source, section))
        if isinstance(base[name], dict) != isinstance(value, dict):
            kind = "a section" if isinstance(base[name], dict) else "a setting"
            raise ConfigError(f"{source}: '{section}{name}' is {kind}")
        deeper = isinstance(value, dict)
        result[name] = _merged(base[name], value, source, f"{section}{name}.") if deeper else value
    return result


def _unknown(name: str, known: list[str], source: str, section: str) -> str:
    place = f"{source} [{section.rstrip('.')}]" if section else source
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    way_out = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(known)}"
    return f"{place}: unknown {'setting' if section else 'section'} '{name}'; {way_out}"


def _explain(problem: dict, source: str) -> str:
    """One of pydantic's complaints in the words of the file."""
    name = ".".join(str(part) for part in problem["loc"])
    return f"{source}: {name} = {problem['input']!r}: {problem['msg'].lower()}"
