"""What the page is told of a song, as JSON."""

import base64
from pathlib import Path
from typing import Any

import numpy as np

from songkey.keys import KEYS
from songkey.listening import Listening
from songkey.matches import compatible
from songkey.networkfile import NetworkInfo
from songkey.row import Columns, Row

COLUMNS = Columns(str, top=len(KEYS), timeline=True)
MOST_FRAMES = 2000  # of the CQT's picture: more than a screen shows


def reply(heard: Listening, info: NetworkInfo) -> dict[str, Any]:
    """A song that was listened to with its timeline and its CQT."""
    fields = COLUMNS.fields(Row(Path(), heard))
    del fields["path"]  # whoever sent the song knows its name
    estimate = heard.estimate
    mixing = compatible(estimate.key).items() if estimate.is_clear else ()
    fields["compatible"] = [
        {"key": str(key), "camelot": key.camelot, "open_key": key.open_key, "mixes_as": match}
        for key, match in mixing
    ]
    fields["cqt"] = None if heard.log_cqt is None else _cqt_fields(heard.log_cqt, info)
    return fields


def _cqt_fields(levels: np.ndarray, info: NetworkInfo) -> dict[str, Any]:
    """The picture of uint8 (F, T), its lowest bin first, and what its rows and columns are."""
    shown = _narrowed(levels)
    return {
        "seconds": round(info.seconds(levels.shape[1]), 3),
        "fmin_hz": info.cqt["fmin_hz"],
        "bins_per_octave": info.cqt["bins_per_octave"],
        "bins": shown.shape[0],
        "frames": shown.shape[1],
        "levels": base64.b64encode(shown.tobytes()).decode("ascii"),
    }


def _narrowed(levels: np.ndarray) -> np.ndarray:
    """(F, T) -> (F, at most MOST_FRAMES), each column the loudest of those that it stands for."""
    frames = levels.shape[1]
    count = min(frames, MOST_FRAMES)
    starts = np.arange(count) * frames // count
    narrowed: np.ndarray = np.maximum.reduceat(levels, starts, axis=1)
    return narrowed
