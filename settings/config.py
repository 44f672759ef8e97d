"""config.toml, a file of changes and --set: read, merged, refused where unknown."""

import argparse
import difflib
import logging
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, TypeVar

import tomli
import tomli_w
from pydantic import ValidationError

from settings.differences import parts
from settings.kinds import Section
from settings.sections import Augment, Config, Hearing
from songkey.errors import AudioKeyError

DEFAULTS = Path(__file__).parent.parent / "config.toml"
OPEN_TABLES = ("train.dataset_weights",)  # the names in them are the user's own
# What a checkpoint brings itself: sections, and a setting of another.
BROUGHT = {"audio", "cqt", "model", "prepare.interval_seconds"}
Record = TypeVar("Record", bound=Section)

logger = logging.getLogger(__name__)


class ConfigError(AudioKeyError):
    """A setting that does not exist or cannot have its value."""


def config_parser(description: str | None) -> argparse.ArgumentParser:
    """An entry point's parser: its docstring is the help; `--config` and `--set` are known."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(parser)
    return parser


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Give an entry point `--config FILE` and the repeatable `--set section.name=value`."""
    parser.add_argument(
        "--config", metavar="FILE", help="a TOML file of what differs from config.toml"
    )
    add_set_argument(parser)


def add_set_argument(parser: argparse.ArgumentParser) -> None:
    """Give an entry point whose settings are a run's the repeatable `--set` alone."""
    parser.add_argument(
        "--set", metavar="SECTION.NAME=VALUE", action="append", default=[], dest="overrides",
        help="change one setting (repeatable), e.g. --set train.epochs=5",
    )  # fmt: skip


def load_config(file: str | None = None, overrides: Sequence[str] = ()) -> Config:
    """config.toml, changed by what `file` holds, then by each 'section.name=value' given."""
    if file is None:
        return config_with({}, "config", overrides)
    return config_with(read_toml(Path(file)), Path(file).name, overrides)


def run_config(file: Path, overrides: Sequence[str]) -> Config:
    """The settings of a run that goes on; those that this version does not know are only named."""
    return saved_config(read_toml(file), file, overrides)


def saved_config(saved: dict[str, Any], file: Path, overrides: Sequence[str]) -> Config:
    """The same of settings that a `file` of any version, a checkpoint maybe, holds."""
    left_out: list[str] = []
    settings = _merged(read_toml(DEFAULTS), saved, file.name, left_out=left_out)
    if left_out:
        logger.info("%s: left out, unknown to this version: %s", file, ", ".join(left_out))
    return checked(Config, _overridden(settings, overrides), file.name)


def config_with(changes: dict[str, Any], source: str, overrides: Sequence[str] = ()) -> Config:
    """config.toml, changed by `changes` that stood in `source`, then by each override."""
    settings = _merged(read_toml(DEFAULTS), changes, source)
    return checked(Config, _overridden(settings, overrides), "config")


def config_changed(config: Config, overrides: Sequence[str], source: str) -> Config:
    """`config` with 'section.name=value' settings that stood in `source` laid over it."""
    settings = _overridden(config.model_dump(mode="json"), overrides, source)
    return checked(Config, settings, source)


def given_settings(file: str | None, overrides: Sequence[str]) -> dict[str, Any]:
    """What `file` and `overrides` themselves name, flat: {'train.epochs': 5}."""
    sources = [*([read_toml(Path(file))] if file else []), *map(_parse_override, overrides)]
    return {name: value for source in sources for name, value in flat(source).items()}


def flat(settings: dict[str, Any], whole: Collection[str] = ()) -> dict[str, Any]:
    """{'train': {'epochs': 3}} as {'train.epochs': 3}; a table with a name of `whole` stays one."""
    pairs: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, dict) and not value.keys() & set(whole):
            pairs |= {f"{name}.{inner}": leaf for inner, leaf in flat(value, whole).items()}
        else:
            pairs[name] = value
    return pairs


def hearing_from_dict(settings: dict[str, Any], source: str) -> Hearing:
    """What a checkpoint's settings say of its network; raises ConfigError.

    Of them only those that it brings are looked at: the others may be of any version. What an older
    version did not know yet is as in config.toml. Nothing is augmented.
    """
    known, brought = (parts(one, BROUGHT) for one in (read_toml(DEFAULTS), settings))
    still = {"augment": dict.fromkeys(Augment.model_fields, 0)}
    return checked(Hearing, _merged(known, brought, source) | still, source)


def checked(record: type[Record], settings: dict[str, Any], source: str) -> Record:
    """`settings` that stood in `source` as a typed record; raises ConfigError."""
    try:
        return record.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(_explain(error, source)) from None


def toml_of(config: Config) -> bytes:
    """The resolved settings as a TOML file that `--config` reads back."""
    return tomli_w.dumps(config.model_dump(mode="json")).encode()


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file says, as nested dicts; raises ConfigError."""
    try:
        return tomli.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name a TOML file") from None
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from None


def _overridden(
    settings: dict[str, Any], overrides: Sequence[str], source: str = ""
) -> dict[str, Any]:
    for text in overrides:
        settings = _merged(settings, _parse_override(text), source or f"--set {text}")
    return settings


def _parse_override(text: str) -> dict[str, Any]:
    """'a.b=value' as nested dicts; a bare word that is no TOML value is taken as a string."""
    if (shown := text.encode("utf-8", "backslashreplace").decode()) != text:
        raise ConfigError(f"--set {shown}: not a text in UTF-8, so no config.toml could hold it")
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


def _merged(
    base: dict, changes: dict, source: str, section: str = "", left_out: list[str] | None = None
) -> dict:
    """`base` with `changes` laid over it; a name that `base` lacks is refused or put in a list."""
    result = dict(base)
    for name, value in changes.items():
        if name not in base and left_out is not None:
            left_out.append(f"{section}{name}")
            continue
        if name not in base:
            raise ConfigError(unknown(name, list(base), source, section))
        if isinstance(base[name], dict) != isinstance(value, dict):
            kind = "a section" if isinstance(base[name], dict) else "a setting"
            raise ConfigError(f"{source}: '{section}{name}' is {kind}")
        if f"{section}{name}" in OPEN_TABLES:
            result[name] = {**base[name], **value}
        elif isinstance(value, dict):
            result[name] = _merged(base[name], value, source, f"{section}{name}.", left_out)
        else:
            result[name] = value
    return result


def unknown(name: str, known: Sequence[str], source: str, section: str) -> str:
    """A sentence that refuses a name, with the nearest of those that are known."""
    place = f"{source} [{section.rstrip('.')}]" if section else source
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    way_out = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(known)}"
    return f"{place}: unknown {'setting' if section else 'section'} '{name}'; {way_out}"


def _explain(error: ValidationError, source: str) -> str:
    """Pydantic's complaints in the words of the file, those of one value together."""
    complaints: dict[str, list[str]] = {}
    for problem in error.errors():
        # Of a value that may have several types each type complains, behind the setting's name.
        names = [str(part) for part in problem["loc"] if re.fullmatch(r"\w+", str(part))]
        said = problem["msg"]
        setting = f"{source}: {'.'.join(names)} = {problem['input']!r}: "
        complaints.setdefault(setting, []).append(said[:1].lower() + said[1:])
    return "; ".join(setting + " or ".join(texts) for setting, texts in complaints.items())
