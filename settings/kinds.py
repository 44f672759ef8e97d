"""What a setting may be: the types of config.toml's values, and what all sections are."""

import os
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Integer = Annotated[int, Field(strict=True)]  # strict: true is not 1
Number = Annotated[float, Field(strict=True)]
Count = Annotated[Integer, Field(ge=1)]
CountOrZero = Annotated[Integer, Field(ge=0)]
Positive = Annotated[Number, Field(gt=0)]
PositiveOrZero = Annotated[Number, Field(ge=0)]
Fraction = Annotated[Number, Field(ge=0, lt=1)]
Share = Annotated[Number, Field(gt=0, le=1)]
Place = Annotated[str, AfterValidator(os.path.expanduser)]  # "~" is the user's home
Names = Annotated[tuple[str, ...], Field(min_length=1)]
Balance = Literal["none", "mode", "key"]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
