"""What is shown of a file, in whichever form."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songkey.errors import printable
from songkey.keys import Key
from songkey.listening import Listening
from songkey.matches import Match
from songkey.timeline import KeySpan


@dataclass(frozen=True)
class Row:
    """One file's answer; `tag` and `tag_state` say what became of its tag, `match` how it mixes."""

    path: Path
    heard: Listening
    tag: str = ""
    tag_state: str = ""
    match: Match | None = None


@dataclass(frozen=True)
class Columns:
    """What is shown of each file: `top` keys, written by `spell`, and what else was asked for."""

    spell: Callable[[Key], str]
    top: int
    tuning: bool = False
    timeline: bool = False
    tags: bool = False
    matches: bool = False

    def fields(self, row: Row) -> dict[str, Any]:
        """A row as JSON has it."""
        estimate, heard = row.heard.estimate, row.heard
        shown: dict[str, Any] = {"path": printable(row.path)}
        shown |= self._key_fields(estimate.key, estimate.confidence, estimate.is_clear)
        shown["tuning_cents"] = heard.tuning_cents and round(heard.tuning_cents, 1)
        shown["candidates"] = [
            {"key": self.spell(key), "camelot": key.camelot, "probability": round(probability, 4)}
            for key, probability in estimate.candidates(self.top)
        ]
        if self.matches:
            shown["mixes_as"] = row.match
        if self.tags:
            shown |= {"tag": row.tag, "tag_state": row.tag_state}
        if self.timeline:
            shown["timeline"] = [self._span_fields(span) for span in heard.spans or ()]
        return shown

    def _key_fields(self, key: Key, confidence: float, is_clear: bool) -> dict[str, Any]:
        return {
            "key": self.spell(key), "clear": is_clear, "camelot": key.camelot,
            "open_key": key.open_key, "confidence": round(confidence, 4),
        }  # fmt: skip

    def _span_fields(self, span: KeySpan) -> dict[str, Any]:
        times = {"start_seconds": span.start_seconds, "end_seconds": span.end_seconds}
        rounded = {name: round(seconds, 2) for name, seconds in times.items()}
        return rounded | self._key_fields(span.key, span.confidence, span.is_clear)
