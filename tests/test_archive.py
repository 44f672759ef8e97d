"""Laws of archives: whole or not at all, and never a byte outside of the folder."""

import io
import resource
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from songs.archive import ArchiveError, extract

FILES = {"set/a.txt": b"one", "set/deep/b.bin": bytes(range(256)) * 5000, "set/empty": b""}
TAR_MODES = {"tar": "w", "tar.gz": "w:gz", "tar.xz": "w:xz", "tar.bz2": "w:bz2"}
PLENTY = 10**9


def tar_of(members, mode="w"):
    """The bytes of a tar file of TarInfos and their contents."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for info, body in members:
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return buffer.getvalue()


def zip_of(members):
    """The bytes of a zip file of ZipInfos, or names, and their contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, body in members:
            archive.writestr(info, body)
    return buffer.getvalue()


def archive_of(kind, files):
    """The bytes of an archive of the kind."""
    if kind == "zip":
        return zip_of(files.items())
    return tar_of([(tarfile.TarInfo(name), body) for name, body in files.items()], TAR_MODES[kind])


def tar_info(name, kind=tarfile.REGTYPE, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def below(folder):
    """Every file below `folder` with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def place(tmp_path):
    """A folder in a folder, so that what escapes from it is seen."""
    (tmp_path / "downloads").mkdir()
    return tmp_path / "downloads"


def nothing_came(place):
    """Whether only the archive itself lies there."""
    return list(below(place.parent)) == ["downloads/archive"] and not (place / "set").exists()


def written(place, body):
    (place / "archive").write_bytes(body)
    return place / "archive"


@pytest.mark.parametrize("kind", ["zip", *TAR_MODES])
def test_every_kind_of_archive_gives_its_files_back(place, kind):
    archive = written(place, archive_of(kind, FILES))
    extract(archive, place / "new" / "set", PLENTY)
    assert below(place / "new") == {f"set/{name}": body for name, body in FILES.items()}


def test_folders_of_their_own_and_names_that_are_not_utf_8_are_kept(place):
    odd = b"caf\xe9".decode("utf-8", "surrogateescape")
    body = tar_of([(tar_info("./", tarfile.DIRTYPE), b""), (tar_info("./d/", tarfile.DIRTYPE), b""),
                   (tar_info(odd), b"x")])  # fmt: skip
    extract(written(place, body), place / "set", PLENTY)
    assert sorted(path.name for path in (place / "set").iterdir()) == sorted([odd, "d"])
    body = zip_of([("d/", b""), ("d/ä", b"x")])
    extract(written(place, body), place / "zipped", PLENTY)
    assert below(place / "zipped") == {"d/ä": b"x"}


def test_a_folder_that_exists_is_left_alone(place):
    archive = written(place, archive_of("zip", FILES))
    (place / "set").mkdir()
    extract(archive, place / "set", PLENTY)
    assert below(place) == {"archive": archive.read_bytes()}


def test_what_a_killed_run_left_is_replaced(place):
    archive = written(place, archive_of("tar.gz", FILES))
    (place / "set.part").mkdir()
    (place / "set.part" / "half").write_bytes(b"x")
    extract(archive, place / "set", PLENTY)
    assert below(place / "set") == FILES
    assert not (place / "set.part").exists()


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/tmp/evil", "//evil", "..", "a\\..\\..\\evil", "a/.."]
)
@pytest.mark.parametrize("kind", ["zip", "tar", "tar.xz"])
def test_a_name_that_leads_out_of_the_folder_leads_nowhere_else(place, kind, name):
    archive = written(place, archive_of(kind, {"good": b"x", name: b"evil"}))
    try:
        extract(archive, place / "set", PLENTY)
    except (ArchiveError, OSError):
        assert nothing_came(place)
    there = below(place.parent).keys() - {"downloads/archive"}
    assert all(path.startswith("downloads/set/") for path in there)
    assert not Path("/tmp/evil").exists()


@pytest.mark.parametrize(
    "body",
    [
        tar_of([(tar_info("a", tarfile.SYMTYPE, "/etc"), b""), (tar_info("a/b"), b"evil")]),
        tar_of([(tar_info("a", tarfile.SYMTYPE, "b"), b""), (tar_info("b"), b"in the folder")]),
        tar_of([(tar_info("a", tarfile.LNKTYPE, "/etc/passwd"), b"")]),
        tar_of([(tar_info("a", tarfile.CHRTYPE), b"")]),
        tar_of([(tar_info("a", tarfile.BLKTYPE), b"")], "w:gz"),
        tar_of([(tar_info("a", tarfile.FIFOTYPE), b"")], "w:xz"),
    ],
    # A gzip holds the second it was made at: workers that part the tests would see other names.
    ids=["link out", "link within", "hard link", "character device", "block device", "pipe"],
)
def test_links_and_devices_in_a_tar_are_refused(place, body):
    with pytest.raises(ArchiveError, match="archive: broken or unsafe .a is a link or a device.; "):
        extract(written(place, body), place / "set", PLENTY)
    assert nothing_came(place)


def test_a_link_in_a_zip_is_a_file_with_its_target_as_text(place):
    extract(written(place, zip_of([(zip_link("a"), b"/etc")])), place / "set", PLENTY)
    assert below(place / "set") == {"a": b"/etc"} and not (place / "set/a").is_symlink()


@pytest.mark.parametrize("names", [["a", "a/b"], ["b", "."]])
def test_members_in_each_others_way_leave_nothing(place, names):
    archive = written(place, tar_of([(tar_info(name), b"x") for name in names]))
    with pytest.raises(OSError, match="archive: cannot be extracted to .*set"):
        extract(archive, place / "set", PLENTY)
    assert nothing_came(place)


def test_empty_members_without_number_are_a_bomb(place):
    archive = written(place, archive_of("zip", {f"{number}": b"" for number in range(300)}))
    with pytest.raises(ArchiveError, match="archive: expands to more than 1.0 MB"):
        extract(archive, place / "set", 1_000_000)
    assert nothing_came(place)


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.xz"])
def test_a_bomb_stops_at_the_limit_and_leaves_nothing(place, kind):
    archive = written(place, archive_of(kind, {"a": b"x", "zeros": bytes(20_000_000)}))
    assert archive.stat().st_size < 100_000
    with pytest.raises(
        ArchiveError,
        match=r"archive: expands to more than 10.0 MB; if that is right, raise download.most_arch",
    ):
        extract(archive, place / "set", 10_000_000)
    assert nothing_came(place)
    extract(archive, place / "set", 20_010_000)
    assert (place / "set" / "zeros").stat().st_size == 20_000_000


def test_a_bomb_that_lies_about_its_size_is_found_out(place):
    body = bytearray(zip_of([("zeros", bytes(5_000_000))]))
    size = (5_000_000).to_bytes(4, "little")
    assert body.count(size) == 2
    body = bytes(body).replace(size, (1000).to_bytes(4, "little"))
    with pytest.raises(ArchiveError, match="archive: broken .*; delete it and download it again"):
        extract(written(place, body), place / "set", 10_000)
    assert nothing_came(place)


def test_an_encrypted_member_is_refused(place):
    body = bytearray(zip_of([("a", b"secret")]))
    body[6] |= 1  # in the member's own header
    body[body.index(b"PK\x01\x02") + 8] |= 1  # in the table at the end
    with pytest.raises(ArchiveError, match="broken or unsafe .* is encrypted"):
        extract(written(place, bytes(body)), place / "set", PLENTY)


@pytest.mark.parametrize("kind", ["zip", *TAR_MODES])
def test_an_archive_that_is_cut_anywhere_gives_nothing(place, kind):
    body = archive_of(kind, {name: body[:3000] for name, body in FILES.items()})
    whole = len(body) if kind != "tar" else body.rindex(b"set/empty") + 512
    for size in {0, 1, 511, whole // 3, whole // 2, 2048, whole - 1, whole - 20, whole - 600}:
        if 0 <= size < whole:
            archive = written(place, body[:size])
            with pytest.raises(ArchiveError, match="archive: broken .*; delete it and download"):
                extract(archive, place / "set", PLENTY)
            assert nothing_came(place), size


@pytest.mark.parametrize(
    "body, problem",
    [
        (
            b"<html>no such file</html>",
            r"broken or unsafe \(neither a zip nor a tar file\); delete it and ",
        ),
        (
            b"",
            r"broken or unsafe \(neither a zip nor a tar file\); delete it and download it again",
        ),
        (bytes(10240), "there is no file in it"),
        (zip_of([("folder/", b"")]), "there is no file in it"),
        (
            zip_of([("ä", b"x")]).replace("ä".encode(), b"\xe4\xe4"),
            r"broken or unsafe \('utf-8' codec can't",
        ),
    ],
)
def test_what_is_no_archive_or_an_empty_one_is_refused(place, body, problem):
    with pytest.raises(ArchiveError, match=f"archive: {problem}"):
        extract(written(place, body), place / "set", PLENTY)
    assert nothing_came(place)


def test_a_changed_byte_in_a_compressed_file_is_found(place):
    for kind in ("zip", "tar.gz", "tar.xz"):
        body = bytearray(archive_of(kind, {"a": bytes(range(256)) * 400}))
        body[len(body) // 2] ^= 1
        with pytest.raises(ArchiveError, match="archive: broken"):
            extract(written(place, bytes(body)), place / "set", PLENTY)
        assert nothing_came(place), kind


def test_a_disk_that_takes_no_more_is_named_and_left_as_it_was(place):
    archive = written(place, archive_of("zip", FILES))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(
            OSError, match=r"cannot be extracted to .*\(File too large\); free some"
        ):
            extract(archive, place / "set", PLENTY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert nothing_came(place)


def test_a_target_that_cannot_be_written_ends_in_one_line(place):
    long = "x" * 300
    with pytest.raises(OSError, match=r"cannot be extracted to .*set \(File name too long\)"):
        extract(written(place, archive_of("tar", {long: b"x"})), place / "set", PLENTY)
    assert nothing_came(place)
    with pytest.raises(OSError, match=r"nowhere: cannot be extracted to .*\(No such file or dir"):
        extract(Path(place / "nowhere"), place / "set", PLENTY)
