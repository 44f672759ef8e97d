"""Which settings are not what they were."""

from collections.abc import Set
from typing import Any


def parts(settings: dict[str, Any], names: Set[str]) -> dict[str, dict[str, Any]]:
    """What nested `settings` say of `names`, which are sections or, as 'cqt.n_bins', settings."""
    found = {
        section: {n: v for n, v in values.items() if names & {section, f"{section}.{n}"}}
        for section, values in settings.items()
        if isinstance(values, dict)
    }
    return {section: values for section, values in found.items() if values}


def named(settings: dict[str, Any], names: Set[str]) -> dict[str, Any]:
    """The same, flat: {'cqt.n_bins': 120, ...}."""
    return {
        f"{section}.{name}": value
        for section, values in parts(settings, names).items()
        for name, value in values.items()
    }


def differences(there: dict[str, Any], today: dict[str, Any]) -> str:
    """The settings that differ, in words: 'sample_rate: 22050 there, 44100 today; ...'."""
    names = sorted({*there, *today})
    return "; ".join(
        f"{name}: {there.get(name, 'absent')} there, {today.get(name, 'absent')} today"
        for name in names
        if there.get(name) != today.get(name)
    )
