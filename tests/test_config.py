"""Laws of the settings."""

import pytest
import tomli
import tomli_w

from settings.config import (
    DEFAULTS,
    ConfigError,
    given_settings,
    hearing_from_dict,
    load_config,
    run_config,
    toml_of,
)


def test_config_toml_gives_every_setting_and_no_record_has_a_default():
    config = load_config()
    assert config.model_dump(mode="json") == tomli.loads(DEFAULTS.read_text(encoding="utf-8"))


def test_a_file_changes_only_what_it_names_and_set_comes_last(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[train]\nepochs = 3\nseed = 9\n")
    config = load_config(
        str(file), ["train.epochs=4", "model.name=keynet", 'train.datasets=["a", "b"]']
    )
    assert (config.train.epochs, config.train.seed) == (4, 9)
    assert config.train.datasets == ("a", "b")
    assert config.cqt == load_config().cqt


def test_written_settings_read_back_the_same(tmp_path):
    config = load_config(overrides=["datasets.synthetic.songs=48", "prepare.workers=2"])
    (tmp_path / "config.toml").write_bytes(toml_of(config))
    assert load_config(str(tmp_path / "config.toml")) == config


def test_of_a_checkpoint_s_settings_only_those_of_its_network_are_looked_at():
    config = load_config(overrides=["cqt.hop_length=512", "prepare.interval_seconds=5.0"])
    saved = config.model_dump(mode="json")
    del saved["loss"], saved["cqt"]["trainable"], saved["train"]["dataset_weights"]
    saved |= {"tune": {"gone": 1}, "gone": {"too": 2}, "split": "no section today"}
    saved["prepare"] |= {"gone": 3, "workers": "none"}
    hearing = hearing_from_dict(saved, "old.safetensors")
    assert (hearing.audio, hearing.cqt, hearing.model) == (config.audio, config.cqt, config.model)
    assert hearing.interval_samples == config.interval_samples == 5 * 44100
    assert not any(hearing.augment.model_dump().values())


@pytest.mark.parametrize(
    "section, change, message",
    [
        ("cqt", {"bins": 3}, r"old.safetensors \[cqt\]: unknown setting 'bins'"),
        ("model", {"dropout": "some"}, "old.safetensors: model.dropout = 'some': input should"),
        ("audio", {"sample_rate": 1}, "old.safetensors: audio.sample_rate = 1: input should be"),
        ("prepare", {"interval_seconds": 0.0}, "old.safetensors: prepare.interval_seconds = 0.0"),
    ],
)
def test_what_a_checkpoint_says_of_its_network_has_to_be_known(section, change, message):
    saved = load_config().model_dump(mode="json")
    saved[section] |= change
    with pytest.raises(ConfigError, match=message):
        hearing_from_dict(saved, "old.safetensors")


def test_of_a_run_s_settings_those_that_no_longer_exist_are_named_and_left_out(tmp_path, caplog):
    config = load_config(overrides=["train.epochs=3", "train.dataset_weights.mine=3.0"])
    saved = config.model_dump(mode="json")
    saved |= {"gone": {"whole": 1}}
    saved["tune"]["steps"] = 2
    file = tmp_path / "config.toml"
    file.write_text(tomli_w.dumps(saved))
    with caplog.at_level("INFO"):
        assert run_config(file, []) == config
    (told,) = caplog.messages
    assert told == f"{file}: left out, unknown to this version: tune.steps, gone"
    with pytest.raises(ConfigError, match="unknown setting 'steps'"):
        run_config(file, ["tune.steps=3"])
    with pytest.raises(ConfigError, match="unknown setting 'steps'"):
        load_config(str(file))


def test_a_table_with_names_of_the_user_s_own_takes_any_and_later_ones_are_added(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[train]\ndataset_weights = {ncs = 0.5, mine = 2.0}\n")
    config = load_config(str(file), ["train.dataset_weights.mine=3.0"])
    assert config.train.dataset_weights == {"ncs": 0.5, "mine": 3.0}
    (tmp_path / "config.toml").write_bytes(toml_of(config))
    assert load_config(str(tmp_path / "config.toml")) == config


def test_an_unknown_setting_is_refused_with_the_nearest_name(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[train]\nglobal_batchsize = 8\n")
    with pytest.raises(
        ConfigError,
        match=r"mine.toml \[train\]: unknown setting 'global_batchsize'; "
        r"did you mean 'global_batch_size'\?",
    ):
        load_config(str(file))
    with pytest.raises(ConfigError, match="unknown section 'trian'; did you mean 'train'"):
        load_config(overrides=["trian.epochs=3"])


@pytest.mark.parametrize(
    "override, message",
    [
        ("train.epochs=0", "train.epochs = 0: input should be greater than or equal to 1"),
        ("train.epochs=true", "train.epochs = True: input should be a valid integer"),
        ("train.learning_rate=true", "train.learning_rate = True: input should be a valid number"),
        ("train.epochs=many", "train.epochs = 'many': input should be a valid integer"),
        ("train.learning_rate=nan", "train.learning_rate = nan: input should be a finite number"),
        ("stream.format=mp3", "stream.format = 'mp3': input should be 'audio' or 'png'"),
        ("prepare.workers=0", "prepare.workers = 0: input .* 'auto' or input .* or equal to 1$"),
        ("train=3", "--set train=3: write it as section.name=value"),
        ("train.epochs", "write it as section.name=value"),
        ("train.epochs.x=3", "'train.epochs' is a setting"),
        ("datasets.synthetic=3", "'datasets.synthetic' is a section"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(override, message):
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        load_config(overrides=[override])


def test_a_setting_that_no_file_could_hold_is_refused():
    odd = b"caf\xe9".decode("utf-8", "surrogateescape")  # as the command line has it
    with pytest.raises(ConfigError, match=r"--set train.runs_dir=caf\\udce9: not a text in UTF-8"):
        load_config(overrides=[f"train.runs_dir={odd}"])


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="nowhere.toml: cannot be read"):
        load_config(str(tmp_path / "nowhere.toml"))
    (tmp_path / "broken.toml").write_text("[train\n")
    with pytest.raises(ConfigError, match="broken.toml: not a TOML file"):
        load_config(str(tmp_path / "broken.toml"))


def test_settings_cannot_be_changed_after_loading():
    with pytest.raises(ValueError, match="frozen"):
        load_config().train.epochs = 3


def test_splits_that_leave_nothing_to_train_on_are_refused():
    with pytest.raises(ConfigError, match="together leave nothing to train on"):
        load_config(overrides=["split.valid_fraction=0.6", "split.test_fraction=0.6"])


def test_what_was_given_is_told_from_defaults_even_where_it_equals_them(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text("[train]\nepochs = 3\nseed = 1\n[datasets.folder]\nname = 'x'\n")
    overrides = ["train.epochs=5", "cqt.hop_length=8192"]
    assert given_settings(str(file), overrides) == {
        "train.epochs": 5, "train.seed": 1, "datasets.folder.name": "x", "cqt.hop_length": 8192,
    }  # fmt: skip
    assert given_settings(None, []) == {}


def test_a_place_may_begin_at_the_user_s_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    config = load_config(None, ["prepare.shards_dir=~/shards", "train.runs_dir=s3://bucket/~"])
    assert config.prepare.shards_dir == f"{tmp_path}/shards"
    assert config.train.runs_dir == "s3://bucket/~"


def test_a_pattern_that_a_value_does_not_fit_is_shown_as_it_is():
    with pytest.raises(ConfigError, match=r"\[A-Za-z0-9"):
        load_config(None, ["datasets.folder.name=my music"])
