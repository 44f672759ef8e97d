"""Which settings are not what they were."""

from typing import Any


def differences(there: dict[str, Any], today: dict[str, Any]) -> str:
    """The settings that differ, in words: 'sample_rate: 22050 there, 44100 today; ...'."""
    names = sorted({*there, *today})
    return "; ".join(
        f"{name}: {there.get(name)} there, {today.get(name)} today"
        for name in names
        if there.get(name) != today.get(name)
    )
