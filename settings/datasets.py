"""The settings of where data come from: data sets, downloads, and shards of others."""

from typing import Annotated

from pydantic import Field

from settings.kinds import (
    Count,
    CountOrZero,
    Integer,
    Number,
    Place,
    Positive,
    PositiveOrZero,
    Section,
)

Url = Annotated[str, Field(pattern=r"^https?://")]
Urls = Annotated[tuple[Url, ...], Field(min_length=1)]  # mirrors, in the order of trying
SongUrl = Annotated[str, Field(pattern=r"^https?://.*\{id\}")]
SongUrls = Annotated[tuple[SongUrl, ...], Field(min_length=1)]


class Synthetic(Section):
    songs: Count
    song_seconds: Annotated[Number, Field(ge=1)]
    seed: CountOrZero


class Scores(Section):
    path: Place
    table: Annotated[str, Field(pattern=r"\.npz$")]
    songs: Count
    song_seconds: Annotated[Number, Field(ge=1)]
    seed: CountOrZero


class Folder(Section):
    path: Place
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    tables: tuple[Place, ...]


class GsKey(Section):
    annotations: Urls
    audio: SongUrls


class GsKeyPlus(Section):
    keys: Urls
    keys_checksum: Annotated[str, Field(pattern=r"^(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64})?$")]


class GsMtg(Section):
    annotations: Urls
    audio: SongUrls
    minimum_confidence: Annotated[Integer, Field(ge=0, le=2)]
    require_empty_comment: bool


class Ncs(Section):
    listing_url: Annotated[str, Field(pattern=r"^https?://.*\{page\}")]
    pause_seconds: PositiveOrZero
    expected_releases: Count
    labels: Place


class Datasets(Section):
    synthetic: Synthetic
    scores: Scores
    folder: Folder
    gs_key: GsKey
    gs_key_plus: GsKeyPlus
    gs_mtg: GsMtg
    ncs: Ncs


class Download(Section):
    dir: Place
    connections_per_host: Count
    retries: CountOrZero
    first_delay_seconds: Positive
    longest_delay_seconds: Positive
    timeout_seconds: Positive
    most_archive_bytes: Count


class Images(Section):
    base_url: str
    datasets: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")], ...]


Ending = Annotated[str, Field(pattern=r"^[^:/\s]+$")]  # of a member's name, behind a dot
Written = Annotated[str, Field(pattern=r"^(json:[^:\s]+|[^:/\s]+)$")]  # "json:FIELD", or an ending


class Foreign(Section):
    audio: Annotated[tuple[Ending, ...], Field(min_length=1)]
    png: Annotated[tuple[Ending, ...], Field(min_length=1)]
    key: Annotated[tuple[Written, ...], Field(min_length=1)]
    song: Written
