"""Laws of rekordbox collections: every track's Tonality is read, and no file is read but this."""

import pytest

from songkey.keynames import parse_label
from songkey.keys import parse_key
from songs.rekordbox import read_collection
from songs.track import Track

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
COLLECTION = """<DJ_PLAYLISTS Version="1.0.0">
<PRODUCT Name="rekordbox" Version="7.0.1" Company="AlphaTheta"/>
<COLLECTION Entries="1">{}</COLLECTION>
<PLAYLISTS><NODE Type="0" Name="ROOT"><NODE Name="NCS" Type="1"><TRACK Key="1"/></NODE></NODE>
</PLAYLISTS></DJ_PLAYLISTS>"""


@pytest.fixture
def write(tmp_path):
    def write(tracks: str, head: str = HEAD, frame: str = COLLECTION):
        path = tmp_path / "collection.xml"
        path.write_text(head + frame.format(tracks), encoding="utf-8")
        return path

    return write


def test_the_tracks_with_a_key_are_read(write):
    path = write(
        '<TRACK TrackID="7" Name="Heroes &amp; Villains" Artist="Jänji" Tonality="Abm"'
        ' Location="file://localhost/C:/My%20Music/Heroes%20%231.mp3"><TEMPO Bpm="128"/></TRACK>'
        '<TRACK TrackID="8" Name="Not analysed" Artist="X" Tonality="" Location="file://a"/>'
        '<TRACK TrackID="9" Name="Off key" Artist="X" Tonality="o"/>'
        '<TRACK TrackID="10" Name="Sky" Artist="Y"  Tonality="8A"/>'
    )
    assert read_collection(path) == [
        Track("7", "Jänji", "Heroes & Villains", "/C:/My Music/Heroes #1.mp3", "Abm"),
        Track("10", "Y", "Sky", "", "8A"),
    ]


@pytest.mark.parametrize(
    ("tonality", "key"),
    [("Am", "A minor"), ("F#", "F# major"), ("Db", "Db major"), ("Gbm", "F# minor"), ("1m", "Am")],
)
def test_every_spelling_of_a_tonality_is_a_key(write, tonality, key):
    [track] = read_collection(write(f'<TRACK Name="a" Artist="b" Tonality="{tonality}"/>'))
    assert parse_label(track.key) == parse_key(key)


def test_a_track_keeps_its_attributes_until_its_end(write):
    tempos = '<TEMPO Inizio="0.1" Bpm="128.00"/>' * 20_000
    tracks = f'<TRACK Name="a" Artist="b" Tonality="Am">{tempos}</TRACK>' * 3
    assert [track.title for track in read_collection(write(tracks))] == ["a", "a", "a"]


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE x [<!ENTITY read SYSTEM "file://{secret}">]>',
        '<!DOCTYPE x SYSTEM "file://{secret}">',
        '<!DOCTYPE x [<!ENTITY read "ha"><!ENTITY more "&read;&read;&read;">]>',
        '<!DOCTYPE x [<!ENTITY % far SYSTEM "file://{secret}"> %far;]>',
    ],
)
def test_entities_and_document_types_are_refused_and_nothing_is_read(write, tmp_path, doctype):
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret")
    track = '<TRACK Name="&read;" Artist="b" Tonality="Am"/>'
    path = write(track, HEAD + doctype.format(secret=secret))
    with pytest.raises(
        ValueError, match=r"collection\.xml: declares a document type or entities"
    ) as e:
        read_collection(path)
    assert "a secret" not in str(e.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "damaged or not XML: no element found"),
        (b"path,key\na.mp3,Am\n", "damaged or not XML"),
        (b"<DJ_PLAYLISTS><COLLECTION><TRACK Name='a'", "damaged or not XML"),
        (b"\xff\xfe\x00", "damaged or not XML"),
        (b"<?xml version='1.0' encoding='shift_jis'?><a/>", "damaged or not XML: multi-byte enc"),
        (b"<?xml version='1.0' encoding='morse'?><a/>", "damaged or not XML: unknown encoding"),
        (b"<plist><dict/></plist>", "no rekordbox collection: its root is <plist>"),
    ],
)
def test_what_is_no_collection_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "collection.xml"
    path.write_bytes(text)
    with pytest.raises(ValueError, match=rf"collection\.xml: {message}"):
        read_collection(path)
