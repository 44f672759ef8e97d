"""Laws of ready-made PNG shards: what is published comes back the same, or is refused by name."""

import shutil

import pytest
from conftest import SMALL, contents, small_config
from servers import http_server, s3_server

from pipeline.bounded import ManifestError
from pipeline.manifest import read_manifest, write_manifest
from shards import __main__ as shards
from shards.check import manifest_folders, problems_of
from shards.lock import BusyError, sole_writer
from shards.outcome import summary
from shards.publish import publish
from shards.ready_made import download_images
from shards.shardfile import ShardError
from shards.spectrograms import create_spectrograms
from storage import places as storage
from storage.places import StorageError, place_of

LOSSES = ("manifest.json.zst", "songs.jsonl.zst", "000001.json", "000001.tar")


@pytest.fixture
def web(packed, tmp_path):
    """A folder with the published PNG shards."""
    publish("synthetic", str(tmp_path / "web"), "png", small_config(packed))
    return tmp_path / "web"


@pytest.fixture
def impatient(monkeypatch):
    """What a network loses is tried again at once."""
    monkeypatch.setattr(storage, "WAITS_SECONDS", (0, 0))


def user_config(tmp_path, base_url, *overrides):
    return small_config(tmp_path / "user", f'images.base_url="{base_url}"', *overrides)


def without_left_out(folder):
    return {name: data for name, data in contents(folder).items() if "left_out" not in name}


def test_what_is_published_is_what_lies_here_manifest_and_all(packed, web):
    assert contents(web / "png") == without_left_out(packed / "shards/png")


def test_publishing_to_a_folder_and_downloading_from_it_give_the_same_files(web, tmp_path):
    done = download_images("synthetic", user_config(tmp_path, web))
    assert contents(tmp_path / "user/shards") == contents(web)
    assert summary(done).startswith("48 songs, ")


def test_a_web_server_of_the_published_folder_will_do(web, tmp_path):
    with http_server(web) as url:
        download_images("synthetic", user_config(tmp_path, url))
    assert contents(tmp_path / "user/shards") == contents(web)


def test_an_s3_store_holds_what_was_published_and_gives_it_back(packed, tmp_path, monkeypatch):
    with s3_server(monkeypatch) as bucket:
        for _ in range(2):
            publish("synthetic", f"{bucket}/shards", "png", small_config(packed))
        download_images("synthetic", user_config(tmp_path, f"{bucket}/shards"))
        with pytest.raises(ManifestError, match=f"{bucket}/none/png/synthetic: no PNG shards"):
            download_images("synthetic", user_config(tmp_path, f"{bucket}/none"))
    assert contents(tmp_path / "user/shards/png/synthetic/train")
    assert without_left_out(packed / "shards/png") == contents(tmp_path / "user/shards/png")


@pytest.fixture
def without_valid(packed, tmp_path):
    """Settings for a copy of the png shards that has no valid split, as packing anew may give."""
    shutil.copytree(packed / "shards/png", tmp_path / "fewer/shards/png")
    shutil.rmtree(tmp_path / "fewer/shards/png/synthetic/valid")
    return small_config(tmp_path / "fewer")


def test_a_split_that_is_gone_here_goes_there_when_published_anew(web, tmp_path, without_valid):
    published = contents(web)
    with pytest.raises(ManifestError, match="web/png/synthetic/valid: there, but .* no valid"):
        publish("synthetic", str(web), "png", without_valid)
    assert contents(web) == published
    (web / "png/synthetic/train/000099.tar").write_bytes(b"of a longer packing")
    publish("synthetic", str(web), "png", without_valid, overwrite=True)
    assert contents(web / "png") == without_left_out(tmp_path / "fewer/shards/png")


def test_an_s3_store_loses_a_split_that_is_gone_here(packed, monkeypatch, without_valid):
    with s3_server(monkeypatch) as bucket:
        publish("synthetic", bucket, "png", small_config(packed))
        publish("synthetic", bucket, "png", without_valid, overwrite=True)
        there = {name.split("/")[0] for name in place_of(f"{bucket}/png/synthetic").find()}
    assert there == {"train", "test"}


def test_a_split_that_is_no_longer_published_goes_here_when_downloaded_anew(web, tmp_path):
    config = user_config(tmp_path, web)
    download_images("synthetic", config)
    shutil.rmtree(web / "png/synthetic/valid")
    with pytest.raises(ManifestError, match="user/shards/png/synthetic/valid: there, but .*valid"):
        download_images("synthetic", config)
    download_images("synthetic", config, overwrite=True)
    assert contents(tmp_path / "user/shards") == contents(web)


def test_shards_are_not_published_over_themselves(web, tmp_path):
    shutil.copytree(web, tmp_path / "shards")
    config = small_config(tmp_path, f'images.base_url="{tmp_path}/user/../shards"')
    for copy in (
        lambda: publish("synthetic", f"{tmp_path}/web/../shards", "png", config, overwrite=True),
        lambda: download_images("synthetic", config, overwrite=True),
    ):
        with pytest.raises(StorageError, match="the shards here lie there; name another place"):
            copy()
    assert contents(tmp_path / "shards") == contents(web)


def test_shards_that_are_here_and_whole_are_not_downloaded_again(web, tmp_path):
    config = user_config(tmp_path, web)
    download_images("synthetic", config)
    train = tmp_path / "user/shards/png/synthetic/train"
    (train / "manifest.json.zst").unlink()
    (train / "000000.json").unlink()
    damaged = bytearray((train / "000001.tar").read_bytes())
    damaged[3000] ^= 1
    (train / "000001.tar").write_bytes(damaged)
    (train / ".000002.tar.123.tmp").write_bytes(b"left by a killed run")
    times = {path: path.stat().st_mtime_ns for path in train.glob("*.tar")}
    download_images("synthetic", config)
    assert contents(tmp_path / "user/shards") == contents(web)
    again = {path.name for path in train.glob("*.tar") if path.stat().st_mtime_ns != times[path]}
    assert again == {"000001.tar"}


@pytest.mark.parametrize("damage", ["flipped", "cut"])
def test_wrong_bytes_on_the_server_end_in_one_error_and_nothing_half_written(web, tmp_path, damage):
    tar = web / "png/synthetic/train/000001.tar"
    whole = tar.read_bytes()
    flipped = whole[:3000] + bytes([whole[3000] ^ 1]) + whole[3001:]
    tar.write_bytes(flipped if damage == "flipped" else whole[: len(whole) // 2])
    with http_server(web) as url:
        config = user_config(tmp_path, url)
        with pytest.raises(StorageError, match=f"{url}/png/.*/000001.tar: its .* not those that"):
            download_images("synthetic", config)
        left = contents(tmp_path / "user/shards/png/synthetic")
        assert set(left) == {"train/000000.tar", "train/000000.json"}
        tar.write_bytes(whole)
        download_images("synthetic", config)
    assert contents(tmp_path / "user/shards") == contents(web)


def test_a_file_missing_on_the_server_is_named(web, tmp_path, impatient):
    record = (web / "png/synthetic/train/000000.json").read_bytes()
    (web / "png/synthetic/train/000000.json").unlink()
    with pytest.raises(ManifestError, match="train/000000.json: not there, though the manifest"):
        download_images("synthetic", user_config(tmp_path, web))
    (web / "png/synthetic/train/000000.tar").unlink()
    (web / "png/synthetic/train/000000.json").write_bytes(record)
    with pytest.raises(StorageError, match="train/000000.tar: not there, though the manifest"):
        download_images("synthetic", user_config(tmp_path, web))
    with pytest.raises(ManifestError, match="png/other: no PNG shards are published there"):
        download_images("other", user_config(tmp_path, web))
    with http_server(web) as url:
        pass
    with pytest.raises(StorageError, match=f"{url}/png/synthetic/.*: failed .*; check the address"):
        download_images("synthetic", user_config(tmp_path, url))
    with pytest.raises(ManifestError, match="images.base_url is empty"):
        download_images("synthetic", user_config(tmp_path, ""))


def test_a_record_that_is_not_its_tar_s_is_refused(web, tmp_path):
    train = web / "png/synthetic/train"
    whole = (train / "000000.json").read_text()
    (train / "000000.json").write_text((train / "000001.json").read_text())
    with pytest.raises(ManifestError, match="000000.json: of another shard, 000001.tar"):
        download_images("synthetic", user_config(tmp_path, web))
    (train / "000000.json").write_text(
        whole.replace('"media_offset":[512,', '"media_offset":[513,')
    )
    with pytest.raises(ShardError, match="000000.tar: 000000_.*png: not where the record says"):
        download_images("synthetic", user_config(tmp_path, web))
    (train / "000000.json").write_text(whole.replace('"media_offset":[512,', '"media_offset":['))
    with pytest.raises(ManifestError, match="its columns are of different lengths"):
        download_images("synthetic", user_config(tmp_path, web))
    (train / "000000.json").write_text(whole.replace('"song":[0,', '"song":[99,'))
    with pytest.raises(ManifestError, match="a sample is of a song that it does not list"):
        download_images("synthetic", user_config(tmp_path, web))
    (train / "000000.json").write_text(whole.replace('"left_out":[]', '"left_out":[["a","b"]]'))
    with pytest.raises(ManifestError, match="its manifest and its records disagree"):
        download_images("synthetic", user_config(tmp_path, web))
    assert not (tmp_path / "user/shards/png/synthetic/train/manifest.json.zst").exists()


def test_a_manifest_that_names_a_file_elsewhere_is_refused(web, tmp_path):
    train = web / "png/synthetic/train"
    manifest = read_manifest(train)
    shards = (manifest.shards[0].model_copy(update={"name": "../../x.tar"}), *manifest.shards[1:])
    write_manifest(train, manifest.model_copy(update={"shards": shards}))
    with pytest.raises(ManifestError, match=r"shards.0.name: .* match pattern"):
        download_images("synthetic", user_config(tmp_path, web))


def test_spectrograms_of_other_settings_or_in_the_way_are_refused(web, tmp_path):
    with pytest.raises(ManifestError, match="published with other settings .cqt: .* today"):
        download_images("synthetic", user_config(tmp_path, web, "cqt.range_db=60.0"))
    other = tmp_path / "user/shards/png/synthetic/train"
    other.mkdir(parents=True)
    record = (web / "png/synthetic/train/000000.json").read_text()
    (other / "000000.json").write_text(record.replace('"seed":0', '"seed":1'))
    with pytest.raises(ManifestError, match="seed: 1 there, 0 today.*--overwrite"):
        download_images("synthetic", user_config(tmp_path, web))
    download_images("synthetic", user_config(tmp_path, web), overwrite=True)
    assert contents(tmp_path / "user/shards") == contents(web)


def test_publishing_again_copies_only_what_is_not_there(packed, web):
    train = web / "png/synthetic/train"
    for name in LOSSES:
        (train / name).unlink()
    times = {path: path.stat().st_mtime_ns for path in train.glob("*.tar")}
    publish("synthetic", str(web), "png", small_config(packed))
    assert contents(web / "png") == without_left_out(packed / "shards/png")
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())


def test_a_damaged_or_missing_shard_is_not_published(packed, tmp_path):
    shutil.copytree(packed / "shards", tmp_path / "shards")
    tar = tmp_path / "shards/png/synthetic/train/000001.tar"
    tar.write_bytes(tar.read_bytes()[:-1] + b"x")
    with pytest.raises(ShardError, match="000001.tar: not what the manifest says"):
        publish("synthetic", str(tmp_path / "web"), "png", small_config(tmp_path))
    assert not list((tmp_path / "web").rglob("manifest*"))
    with pytest.raises(ManifestError, match="png/other: no png shards; make them first"):
        publish("other", str(tmp_path / "web"), "png", small_config(tmp_path))


def test_shards_of_other_settings_are_not_published_over_until_overwritten(packed, web, tmp_path):
    shutil.copytree(packed / "shards/audio", tmp_path / "shards/audio")
    other = small_config(tmp_path, "cqt.range_db=60.0")
    create_spectrograms("synthetic", other)
    with pytest.raises(ManifestError, match="web/png/.*: packed with other settings .cqt.*--over"):
        publish("synthetic", str(web), "png", other)
    publish("synthetic", str(web), "png", other, overwrite=True)
    assert contents(web / "png") == without_left_out(tmp_path / "shards/png")


def test_audio_shards_may_be_put_at_an_address_of_your_own(packed, tmp_path):
    publish("synthetic", str(tmp_path / "own"), "audio", small_config(packed))
    assert contents(tmp_path / "own/audio") == without_left_out(packed / "shards/audio")
    with pytest.raises(ManifestError, match="audio/other: no audio .*python -m shards pack other"):
        publish("other", str(tmp_path / "own"), "audio", small_config(packed))


def test_the_commands_publish_and_download(called, packed, tmp_path):
    def place(folder):
        return [w for o in [*SMALL, f"prepare.shards_dir={folder}/shards"] for w in ("--set", o)]

    done = called(shards.main, "publish", tmp_path / "web", "synthetic", *place(packed))
    assert done.returncode == 0 and "published " in done.stdout and " of png: " in done.stdout
    base = ["--set", f"images.base_url={tmp_path}/web"]
    refused = called(shards.main, "images", *place(tmp_path), *base)
    assert refused.returncode == 1 and "no data set named" in refused.stderr
    named = ["--set", 'images.datasets=["synthetic"]']
    done = called(shards.main, "images", *place(tmp_path), *base, *named)
    assert done.returncode == 0 and done.stdout.startswith("48 songs, ")
    assert contents(tmp_path / "shards") == contents(tmp_path / "web")


def test_shards_published_before_there_was_an_index_are_still_published_and_downloaded(
    packed, tmp_path
):
    shutil.copytree(packed / "shards", tmp_path / "shards")
    for index in (tmp_path / "shards").rglob("index.safetensors"):
        index.unlink()
        manifest = read_manifest(index.parent)
        write_manifest(index.parent, manifest.model_copy(update={"index_sha256": ""}))
    publish("synthetic", str(tmp_path / "site"), "png", small_config(tmp_path))
    assert not list((tmp_path / "site").rglob("index.safetensors"))
    config = small_config(tmp_path / "user", f'images.base_url="{tmp_path}/site"')
    for _ in range(2):
        download_images("synthetic", config)
        assert list(problems_of(manifest_folders(tmp_path / "user/shards"))) == []


def test_nothing_is_downloaded_beside_another_command(web, tmp_path):
    root = tmp_path / "user/shards/png/synthetic"
    with sole_writer(root), pytest.raises(BusyError, match=f"{root}: process .* is changing these"):
        download_images("synthetic", user_config(tmp_path, web))
    assert not list(root.rglob("*"))
