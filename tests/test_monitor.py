"""Laws of what a person sees of a run, read back with TensorBoard's own reader."""

import io
import shutil

import numpy as np
import pytest
import torch
from conftest import pack_synthetic, small_config
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.metadata import parse_session_start_info_plugin_data
from torch.nn.functional import cross_entropy

from evaluation.listener import front_end_of, network_of, shards_of
from songkey.keys import KEYS
from training.finite import NotFiniteError
from training.hyperparameters import config_text, hyperparameters
from training.loop import Training
from training.pictures import INTERVALS, Examples
from training.rehearsal import Trial

START, END = "_hparams_/session_start_info", "_hparams_/session_end_info"


def events_of(run) -> EventAccumulator:
    """All events of a run."""
    return EventAccumulator(str(run), size_guidance={"images": 0}).Reload()


def test_each_epoch_leaves_pictures_that_can_be_opened_and_are_not_blank(packed, tmp_path):
    config = small_config(packed, "train.pictures_every_epochs=1")
    Training(config, tmp_path / "run", resume=False).run()
    events = events_of(tmp_path / "run")
    last_steps = [point.step for point in events.Scalars("valid/loss")]
    assert set(events.Tags()["images"]) == {"valid/intervals", "valid/confusion", "valid/fifths"}
    for name in events.Tags()["images"]:
        pictures = events.Images(name)
        assert [picture.step for picture in pictures] == last_steps
        for picture in pictures:
            pixels = np.asarray(Image.open(io.BytesIO(picture.encoded_image_string)))
            assert pixels.shape[:2] == (picture.height, picture.width) and pixels.std() > 10


def test_pictures_come_only_in_the_epochs_asked_for(packed, tmp_path):
    config = small_config(packed, "train.pictures_every_epochs=2")
    Training(config, tmp_path / "run", resume=False).run()
    events = events_of(tmp_path / "run")
    first, second = (point.step for point in events.Scalars("valid/loss"))
    assert [picture.step for picture in events.Images("valid/confusion")] == [second]


def test_the_gradient_norm_is_that_of_the_gradient_before_it_is_clipped(packed, tmp_path):
    norms = {}
    for clip_norm in (1e-3, 1e3):
        run = tmp_path / str(clip_norm)
        overrides = (f"train.clip_norm={clip_norm}", "train.epochs=1", "train.learning_rate=1e-12")
        Training(small_config(packed, *overrides), run, resume=False).run()
        norms[clip_norm] = [point.value for point in events_of(run).Scalars("train/gradient_norm")]
    assert min(norms[1e3]) > 1e-3
    assert norms[1e-3] == pytest.approx(norms[1e3], rel=1e-3)


def test_the_gradient_norm_is_that_of_all_weights_together(packed, tmp_path):
    plain = [f"augment.{name}=0" for name in small_config(packed).augment.model_dump()]
    config = small_config(packed, *plain, "model.dropout=0.0", "train.epochs=1", "stream.workers=0")
    Training(config, tmp_path / "run", resume=False).run()
    trial = Trial(config)  # for the weights and the batch that a run begins with
    cqt, key_id = trial.learner.front_end(next(trial.batches()))
    torch.manual_seed(config.train.seed)
    network = network_of(config).train()
    cross_entropy(network(cqt), key_id).backward()
    squares = [float(weight.grad.square().sum()) for weight in network.parameters()]
    shown = events_of(tmp_path / "run").Scalars("train/gradient_norm")[0].value
    assert shown == pytest.approx(sum(squares) ** 0.5, rel=1e-3)


def test_the_resolved_settings_are_there_as_text(trained, packed):
    (text,) = events_of(trained).Tensors("config/text_summary")
    shown = text.tensor_proto.string_val[0].decode()
    assert shown == config_text(small_config(packed))
    assert shown.startswith("```toml\n") and "\nglobal_batch_size = 8\n" in shown


def test_the_hyperparameters_of_a_run_stand_in_its_own_folder(trained, packed):
    assert not [path for path in trained.iterdir() if path.is_dir() and path.name != "checkpoints"]
    contents = events_of(trained).PluginTagToContent("hparams")
    shown = parse_session_start_info_plugin_data(contents[START]).hparams
    expected = hyperparameters(small_config(packed))
    assert set(shown) == set(expected)
    assert shown["train.global_batch_size"].number_value == 8
    assert shown["model.name"].string_value == "keynet"
    assert END in contents


def test_a_run_that_breaks_is_not_marked_as_ended(packed, tmp_path):
    training = Training(small_config(packed, "train.learning_rate=1e30"), tmp_path / "run", False)
    with pytest.raises(NotFiniteError):
        training.run()
    contents = events_of(tmp_path / "run").PluginTagToContent("hparams")
    assert START in contents and END not in contents


def test_hyperparameters_are_the_settings_of_learning_and_no_others(packed):
    values = hyperparameters(small_config(packed))
    assert values["cqt.n_bins"] == 120 and values["train.datasets"] == "['synthetic']"
    assert {name.split(".")[0] for name in values} <= {"cqt", "augment", "model", "loss", "train"}


def test_the_intervals_shown_are_the_same_each_time_and_name_the_answers(packed):
    config = small_config(packed)
    shards = shards_of(config, config, ("synthetic",), "valid")
    network, front_end = network_of(config), front_end_of(config)
    titles = []
    for _ in range(2):
        figure = Examples(shards, config.cqt.bins_per_octave).figure(network, front_end)
        titles.append([axes.get_title() for axes in figure.axes])
    assert titles[0] == titles[1] and len(titles[0]) == INTERVALS
    table = shards.song_table()
    songs = {table.song_id(one): str(KEYS[table.key_id[one]]) for one in range(len(table))}
    for title in titles[0]:
        true, answered = title.split("   ")[0].split(", answered ")
        assert songs[title.split("   ")[1]] == true
        assert answered.rsplit(" (", 1)[0] in map(str, KEYS)


def test_an_interval_that_cannot_be_read_is_shown_as_such(packed, tmp_path):
    shutil.copytree(packed / "shards/audio", tmp_path / "shards/audio")
    tar = tmp_path / "shards/audio/synthetic/valid/000000.tar"
    tar.write_bytes(bytes(6000) + tar.read_bytes()[6000:])
    config = small_config(tmp_path)
    shards = shards_of(config, config, ("synthetic",), "valid")
    figure = Examples(shards, 24).figure(network_of(config), front_end_of(config))
    first, *others = [axes.get_title() for axes in figure.axes]
    assert first == "this interval could not be read"
    assert all(", answered " in title for title in others)


def test_drawing_leaves_the_weights_and_the_random_state_alone(packed):
    config = small_config(packed)
    shards = shards_of(config, config, ("synthetic",), "valid")
    network, front_end = network_of(config), front_end_of(config)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.get_rng_state()
    Examples(shards, config.cqt.bins_per_octave).figure(network, front_end)
    assert torch.equal(random, torch.get_rng_state())
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_valid_split_of_fewer_intervals_is_shown_whole(tmp_path):
    config = small_config(
        tmp_path, "datasets.synthetic.songs=6", "datasets.synthetic.song_seconds=4.0"
    )
    pack_synthetic(config)
    shards = shards_of(config, config, ("synthetic",), "valid")
    assert shards.total < INTERVALS
    figure = Examples(shards, 24).figure(network_of(config), front_end_of(config))
    assert len(figure.axes) == shards.total
