"""Laws of song names: one song has one name in every catalogue, two songs have two."""

import pytest

from songs.titles import file_song_name, song_name, telling_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Janji", "Heroes Tonight"), ("JANJI", "heroes  tonight")),
        (("Mendum", "Stay With Me"), ("Mendum", "Stay With Me (Original Mix)")),
        (("Møme & Déjà Vu", "Ça va?"), ("Deja Vu, Mome", "Ca Va")),
        (("Lost Sky", "Fearless pt.II (feat. Chris)"), ("Lost Sky, Chris", "Fearless pt. II")),
        (("Lost Sky ft Chris Linton", "Fearless"), ("Lost Sky", "Fearless featuring Chris Linton")),
        (("A feat. B", "Go (C Remix)"), ("A", "Go feat. B (C Remix)")),
        (("T & Sugah", "Can't Stop"), ("T and Sugah", "Can’t Stop [NCS Release]")),
        (("Cartoon", "On & On"), ("Cartoon", "On and On")),
        (("Egzod x Maestro", "Royalty"), ("Maestro, Egzod", "Royalty")),
        (("ｆｕｌｌ", "Ｗｉｄｔｈ"), ("full", "width")),
        (("音楽", "夜"), ("音楽", "夜")),
        (("Lil Nas X", "Go (feat. X)"), ("X & Lil Nas X", "Go")),
        (("Malcolm X x Y", "Go"), ("Y & Malcolm X", "Go")),
        (("Émile Żółć", "Ещё ёж"), ("emile zołc", "еще еж")),
        (("か\u3099", "ｶﾞ"), ("が", "ガ")),
        (("Heart", "❤ Beat \ufe0f"), ("Heart", "Beat")),
    ],
)  # fmt: skip
def test_one_song_has_one_name(one, other):
    assert song_name(*one) == song_name(*other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Janji", "Heroes"), ("Janji", "Heroes (X Remix)")),
        (("Janji", "Heroes"), ("Janji", "Heroes VIP")),
        (("Janji", "Part 1"), ("Janji", "Part 2")),
        (("Janji", "Heroes"), ("Janji & Johnning", "Heroes")),
        (("Xomu", "Feather"), ("Omu", "Feather")),
        (("A", "!!!"), ("A", "???")),
        (("音楽", "夜"), ("音楽", "朝")),
        (("Janji", "Heroes"), ("Janji", "Heroes (feat. X)")),
        (("X", "Heroes"), ("Y", "Heroes")),
        (("अ", "दिल"), ("अ", "दल")),
        (("अ", "कमल"), ("अ", "कमाल")),
        (("ไทย", "ดี"), ("ไทย", "ดู")),
        (("م", "عَلَم"), ("م", "عِلْم")),
        (("音楽", "はな"), ("音楽", "ばな")),
        (("A", "❤\ufe0f"), ("A", "☀\ufe0f")),
    ],
)
def test_two_songs_have_two_names(one, other):
    assert song_name(*one) != song_name(*other)


@pytest.mark.parametrize("blank", [("", "Heroes feat. B"), ("Janji", ""), (" ", " ")])
def test_what_lacks_artist_or_title_has_no_name(blank):
    assert song_name(*blank) == ""


def test_a_title_that_is_all_noise_keeps_it():
    assert song_name("A", "Original Mix") == "a - original mix"


def test_a_file_named_by_artist_and_title_is_that_song():
    assert file_song_name("Janji - Heroes - Live") == song_name("Janji", "Heroes - Live")
    assert file_song_name("0412") == ""


@pytest.mark.parametrize(
    ("artist", "title"),
    [
        ("Unknown Artist", "Heroes"), ("Various Artists", "Heroes"), ("Janji", "Track 01"),
        ("Janji", "Untitled"), ("Janji", "03"), ("W. A. Mozart", "II. Allegro ma non troppo"),
        ("J. S. Bach", "Prelude in C minor"), ("Janji", "Intro"), ("", "Heroes"),
        ("Janji", "Intro feat. B"), ("Janji", "Track01"),
        ("Unbekannter Interpret", "Heroes"), ("Unbekannter Künstler", "Titel 1"),
        ("Artiste inconnu", "Piste 1"), ("Artista desconocido", "Pista 1"),
        ("Intérprete desconocido", "Heroes"), ("Artista sconosciuto", "Traccia 1"),
        ("Artista desconhecido", "Faixa 1"), ("Onbekende artiest", "Spoor 1"),
        ("Nieznany wykonawca", "Ścieżka 1"), ("Неизвестный исполнитель", "Дорожка 1"),
        ("不明なアーティスト", "トラック 1"), ("未知艺术家", "音轨 1"), ("未知藝術家", "夜"),
        ("알 수 없는 음악가", "트랙 1"), ("Neznámý interpret", "Stopa 1"), ("群星", "夜"),
        ("Janji", "トラック01"), ("Janji", "Дорожка 01"), ("Janji", "Ścieżka 3"),
        ("Chopin", "Mazurka"), ("Chopin", "Mazurka in A minor, Op. 17 No. 4"),
        ("Chopin", "Nocturne No.2 en mi bémol majeur"), ("Chopin", "Mazurek a-moll op. 17 nr 4"),
        ("Beethoven", "Sinfonie Nr. 5 c-Moll, 2. Satz: Andante con moto"),
        ("Beethoven", "Piano Sonata No. 14 in C-sharp minor: III. Presto agitato"),
        ("Bach", "Präludium und Fuge Cis-Dur"), ("Bach", "Cello Suite No. 1, BWV 1007: Gigue"),
        ("Bach", "Canon"), ("Schubert", "Lieder"), ("Brahms", "Klavierstück"), ("Bach", "Fughetta"),
        ("Schubert", "Piano Piece"), ("Schubert", "Dance No. 1"), ("Elgar", "Hymn"),
        ("Beethoven", "First Movement"), ("Beethoven", "Sonata quasi una fantasia"),
        ("Beethoven", "Largo e mesto"), ("Bach", "Fuge über ein Thema"), ("Janji", "Part One"),
        ("Janji", "Voice 001"), ("Janji", "Aufnahme 1"), ("Janji", "Zonder titel"),
        ("Janji", "Utan titel"), ("Janji", "Без названия"), ("Janji", "Unbenannt"),
        ("अज्ञात कलाकार", "ट्रैक 1"), ("Janji", "ट्रैक 1"), ("فنان غير معروف", "Heroes"),
        ("Janji", "مسار 1"), ("Άγνωστος καλλιτέχνης", "Heroes"), ("Janji", "Κομμάτι 1"),
        ("Různí interpreti", "Heroes"), ("ศิลปินที่ไม่รู้จัก", "Heroes"), ("Janji", "แทร็ก 1"),
        ("אמן לא ידוע", "Heroes"), ("Nghệ sĩ không xác định", "Heroes"), ("Janji", "Bản nhạc 1"),
        ("Artist necunoscut", "Heroes"), ("Artis tidak dikenal", "Heroes"), ("Janji", "Lagu 1"),
        ("Különböző előadók", "Heroes"), ("Çeşitli sanatçılar", "Heroes"), ("알 수 없음", "Heroes"),
        *((nobody, "Heroes") for nobody in (
            "V.A.", "V/A", "AA.VV.", "N/A", "None", "null", "-", "Anonymous", "Traditional",
            "Soundtrack", "Original Soundtrack", "DJ",
        )),
        ("Чайковский", "Симфония № 5 ми минор"), ("Mozart", "交響曲第40番 ト短調"),
        ("Mozart", "第40号交响曲"), ("Mozart", "Sinfonía n.º 40 en sol menor"),
    ],
)  # fmt: skip
def test_a_name_that_many_recordings_may_have_tells_none(artist, title):
    assert telling_name(artist, title) == ""


@pytest.mark.parametrize(
    "title",
    ["Heroes", "Allegro of the Heroes", "Heroes (Intro)", "夜", "月光ソナタ", "Stuck", "Disco"]
    + ["The Dance", "One Dance", "Over", "One", "Take Five", "Without Words"],
)
@pytest.mark.parametrize("artist", ["Janji", "311", "Air", "X", "The Unknown", "不明堂", "!!!"])
def test_any_other_name_tells_a_recording(artist, title):
    assert telling_name(artist, title) == song_name(artist, title) != ""


def test_a_title_of_any_length_is_looked_through_at_once():
    title = 100_000 * "四重奏曲"
    assert telling_name("Janji", f"{title}夜") and not telling_name("Janji", title)
    assert telling_name("Janji", 100_000 * "x " + "夜")
