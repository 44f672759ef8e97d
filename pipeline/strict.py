"""Metadata read strictly: what a field may be, and the first error of a file as one line."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError, model_validator

from pipeline.bounded import ManifestError
from storage.places import Place

MOST_WORDS = 200  # letters of a file's own that an error repeats


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _has_few_fields(cls, data: Any) -> Any:
        """Refuse those of a stranger at once: each would be an error of a kilobyte."""
        if isinstance(data, dict) and len(data) > len(cls.model_fields):
            raise ValueError("it has fields that are not known here")
        return data


Parsed = TypeVar("Parsed", bound=Frozen)
Item = TypeVar("Item")
Tuple = Annotated[tuple[Item, ...], FailFast()]  # at the first error: there may be millions
Count = Annotated[int, Field(ge=0, lt=1 << 31)]
Crc32 = Annotated[int, Field(ge=0, lt=1 << 32)]
Bytes = Annotated[int, Field(ge=0, lt=1 << 40)]  # of a tar, or where in it
Finite = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
TarName = Annotated[str, Field(pattern=r"^[0-9A-Za-z_][0-9A-Za-z_.-]{0,200}\.tar$")]  # no path
Counts = dict[str, Count]


def refuse_more_than(most_bytes: int, path: Place, data: bytes) -> None:
    """Nobody would read it."""
    if len(data) > most_bytes:
        raise ManifestError(
            f"{path}: {len(data)} bytes, and no more than {most_bytes} are read; set "
            "prepare.songs_per_shard so that a shard has fewer samples, or a split fewer shards"
        )


def parse(kind: type[Parsed], path: Place, data: bytes) -> Parsed:
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])[:MOST_WORDS]
        raise ManifestError(
            f"{path}: damaged or of another version ({where}: {problem['msg'][:MOST_WORDS]}); "
            "delete it, and pack again; where all files are so, pack with --overwrite"
        ) from None
