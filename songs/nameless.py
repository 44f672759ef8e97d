"""Artists and titles that many recordings have: what programs write for want of a name, and forms.

'Unknown Artist', 'Track 01', 'Mazurka in A minor, Op. 17 No. 4' may be anybody's recording.
"""

import re

from songs.plainwords import plain, words

UNNAMED = """
    unknown unbekannt unbekannte unbekannter inconnu inconnue inconnus desconocido desconocida
    desconocidos desconhecido desconhecida sconosciuto sconosciuta sconosciuti onbekend onbekende
    nieznany nieznana nieznani okänd ukendt ukjent tuntematon neznámý neznámá ismeretlen bilinmeyen
    неизвестный неизвестная неизвестен невідомий невідома various verschiedene divers diverse varios
    vários vari różni разные різні va artist artists artiste artistes artista artistas artisti
    artiest artiesten artysta artyści interpret interpreten interpreti interprète intérprete
    künstler kunstner umělec wykonawca wykonawcy esittäjä előadó sanatçı исполнитель исполнители
    артист виконавець виконавці сборник neznámy různí umělci anonymous anonym anonyme anónimo
    anonimo anon traditional trad soundtrack soundtracks performer composer artister blandade
    blandet desconegut necunoscut artiști diverși különböző előadók çeşitli sanatçılar nepoznat
    izvođač извођач непознати непознат изпълнител άγνωστος καλλιτέχνης διάφοροι καλλιτέχνες अज्ञात
    अनजान कलाकार विभिन्न فنان غير معروف مجهول فنانون متنوعون אמן לא ידוע אמנים שונים nghệ sĩ không
    xác định rõ nhiều artis tidak dikenal diketahui berbagai
"""
# Names of which no word alone says so: 'V.A.', 'V/A', 'N/A'.
NOBODY = {
    "v a", "a v", "aa vv", "n a", "a n", "none", "null", "no artist", "no name", "dj", "ost", "-",
    "original soundtrack",
}  # fmt: skip
WITHOUT_TITLE = """
    track tracks title titles untitled titel ohne spur piste plage titre sans pista título sem sin
    faixa traccia titolo senza brano spoor nummer ścieżka utwór tytuł bez spår spor raita stopa
    skladba sáv szám parça дорожка трек название без доріжка song songs audio file new recording
    intro outro interlude skit demo live version mix remix edit extended original instrumental
    acapella bonus hidden loop loops sample improvisation freestyle id part parts pt teil partie
    parte deel część часть vol volume band disc disk disque cd side seite unbenannt titelnummer
    audiotrack aufnahme aufnahmen aufzeichnung neue enregistrement grabación gravação registrazione
    opname nagranie запись mixdown zonder utan uden uten tittel otsikko názvu tytułu cím nélkül
    nimetön isimsiz adsız fără titlu названия назви песен ट्रैक शीर्षक مسار مقطع المقطع بدون عنوان
    רצועה ללא שם κομμάτι άτιτλο χωρίς τίτλο
"""
FORMS = """
    allegro allegretto allegrissimo andante andantino adagio adagietto largo larghetto lento grave
    presto prestissimo vivace vivacissimo vivo moderato maestoso animato cantabile espressivo
    sostenuto tranquillo grazioso scherzando agitato appassionato energico giocoso dolce affettuoso
    mosso rubato giusto tempo con moto brio fuoco spirito anima ma non troppo assai molto più poco
    meno quasi alla breve attacca rit lebhaft langsam schnell mäßig rasch bewegt sehr nicht zu lent
    lente vif vite modéré animé très prelude preludes prélude préludes preludio preludios prelúdio
    prelúdios präludium praeludium präludien preludium preludia прелюдия прелюдии fugue fugues fuge
    fugen fuga fugas fugi фуга toccata toccatas tokkata tocata токката sonata sonatas sonate sonaten
    sonates sonaty sonatina sonatine соната suite suites suita сюита partita partiten партита etude
    etudes étude études etüde etüden estudio estudios estudo estudos studio studi studie studies
    study etiuda etiudy этюд этюды nocturne nocturnes notturno notturni nocturno noturno nokturn
    nokturny ноктюрн mazurka mazurkas mazurek mazurki мазурка polonaise polonaises polonez polonesa
    polacca полонез waltz waltzes walzer valse valses vals valsa valzer walc wals вальс ballad
    ballade ballades ballada balada баллада impromptu impromptus экспромт berceuse wiegenlied
    lullaby kołysanka barcarolle barcarola barkarola bagatelle bagatelles bagatela intermezzo
    intermezzi capriccio caprice caprices capricho humoresque humoreske romance romances romanze
    romanza romans романс rhapsody rhapsodie rhapsodies rapsodia рапсодия fantasy fantasia fantasía
    fantasie phantasie fantaisie fantazja фантазия invention inventions inventionen invenzione
    serenade sérénade serenata serenada ständchen divertimento scherzo scherzi скерцо rondo rondeau
    rondò рондо march marsch marche marcia marcha marsz марш polka polkas polca tango milonga
    habanera bolero tarantella galop ecossaise écossaise ländler czardas csárdás jig reel hornpipe
    minuet minuets minuetto minueto menuet menuets menuett menuette менуэт gigue giga courante
    corrente sarabande sarabanda allemande allemanda bourrée bourrées gavotte gavottes gavotta gawot
    гавот passepied loure chaconne ciaccona chacona passacaglia air aria arias arie arien arioso
    ария recitative rezitativ récitatif recitativo chorale choral chorus chor chœur coro cantata
    kantate cantate kantata mass messe missa misa msza requiem motet magnificat kyrie gloria credo
    sanctus benedictus agnus dei overture ouverture ouvertüre obertura abertura uwertura увертюра
    introduction introduktion introduzione introducción finale final финал coda concerto concertos
    concerti konzert concierto koncert concert концерт symphony symphonies symphonie sinfonie
    sinfonia sinfonía symfonia symfonie симфония theme themes thème thema tema variation variations
    variationen variazione variazioni variación variaciones variação variações wariacja wariacje
    вариация вариации movement mouvement satz movimento movimiento mvt miniature pastorale pastoral
    elegy elegie élégie elegia solo duo duet duett trio trios quartet quartets quartett quatuor
    cuarteto quarteto quartetto kwartet квартет quintet quintett quintette quinteto quintetto
    kwintet sextet sextett septet octet oktett piano pianoforte klavier klavierkonzert klaviersonate
    fortepian violin violine violino violín violon violinkonzert violinsonate skrzypce viola
    bratsche cello violoncello flute flöte flauto flûte flauta oboe clarinet klarinette bassoon horn
    trumpet trompete organ orgel orgue harp harfe harpsichord cembalo clavecin gitarre guitare
    guitarra lute laute string strings streichquartett orchestra orchester orchestre orquesta
    continuo фортепиано скрипка скрипки op opus no nr num number numéro número numero n bwv kv k hwv
    rv hob woo anh major minor dur moll majeur mineur mayor menor maggiore minore maior maj min
    мажор минор мажоре миноре sharp flat dièse bémol diesis bemolle sostenido sustenido bemol диез
    бемоль cis des dis es fis ges gis as ais his do ut re mi fa sol la si до ре ми фа соль ля си
    canon canons canone kanon lied lieder chanson chansons klavierstück klavierstücke fughetta
    fughette duetto concertino konzertstück psalm psalms psaume salmo hymn hymne hymnus himno
    contredanse contredanses kontretanz kontretänze zwischenspiel vorspiel nachspiel einleitung
    prologue prolog epilogue epilog intrada entrée cadenza kadenz siciliana siciliano sicilienne
    menuetto ricercar ricercare canzona badinerie tambourin musette forlane rigaudon sonatensatz
    contrapunctus gnossienne gnossiennes gymnopédie gymnopédies novelette novelettes arabesque
    arabesques albumblatt albumblätter tanto mesto espressione concertante voci оркестр оркестра
    оркестром
"""
# Plain words, too, but only beside others: 'Dance No. 1', 'Part One'; 'One Dance' is a song.
BESIDE_OTHERS = """
    the a an of in for and from with without on over le les l de du et en pour avec un une sur sans
    el los las y para con sobre una il lo gli i e di per o os da em der die das den dem ein eine
    einem und von für aus mit über ohne het een van voor met w z na dla в и для из с на
    dance dances danse danses danza danzas tanz tänze taniec tańce german deutscher deutsche piece
    pieces pièce pièces stück stücke words worte exercise exercises sketch jam beat take voice memo
    chapter kapitel capítulo cara trek lagu piesa bản nhạc
    one two three four five six seven eight nine ten first second third fourth fifth sixth seventh
    eighth ninth tenth erster zweiter dritter vierter premier deuxième troisième primo secondo terzo
"""
# These languages have no spaces between words.
UNNAMED_UNSPACED = """
    不明な 不明 アーティスト アーチスト ヴァリアス オムニバス 未知 未知的 艺术家 藝術家 艺人 藝人
    歌手 演唱者 群星 华语群星 알 수 없는 없음 음악가 아티스트 ศิลปิน ที่ไม่รู้จัก
    ไม่ทราบชื่อ หลายคน ต่างๆ
"""
FORMS_UNSPACED = """
    名称未設定 無題 トラック タイトル なし 曲 第 番 未命名 无题 音轨 音軌 轨道 曲目 标题 號
    号 트랙 제목 แทร็ก ไม่มีชื่อ เพลง 交響曲 交响曲 協奏曲 协奏曲 奏鳴曲 奏鸣曲
    ソナタ ソナチネ 前奏曲 練習曲 练习曲 夜想曲 夜曲 ノクターン マズルカ ポロネーズ ワルツ 円舞曲
    圆舞曲 圓舞曲 バラード 叙事曲 スケルツォ 諧謔曲 谐谑曲 即興曲 即兴曲 フーガ 赋格 賦格
    トッカータ 組曲 组曲 パルティータ メヌエット 小步舞曲 小歩舞曲 変奏曲 变奏曲 變奏曲 狂詩曲
    狂想曲 幻想曲 セレナーデ 小夜曲 ロンド 回旋曲 序曲 アリア 咏叹调 行進曲 进行曲 四重奏曲
    四重奏 弦楽 弦乐 絃樂 ピアノ 钢琴 鋼琴 ヴァイオリン バイオリン 小提琴 チェロ 大提琴 のための
    作品 楽章 乐章 樂章 一 二 三 四 五 六 七 八 九 十
"""
KEY_UNSPACED = "[嬰変升降]?[ハニホヘトイロ0-9a-h](?:長調|短調|大调|小调|大調|小調)"


def _plain_words(text: str) -> frozenset[str]:
    return frozenset(words(plain(text)).split())


def _side_by_side(*texts: str) -> re.Pattern[str]:
    """Any of the texts' words and numbers, one behind the other."""
    longest_first = sorted(_plain_words(" ".join(texts)), key=len, reverse=True)
    return re.compile(f"(?>{'|'.join([plain(KEY_UNSPACED), *longest_first, '[0-9]'])})+")


NUMBER = re.compile(r"\d+(?:st|nd|rd|th|er|e|eme|[ao]|ste|de)?|[ivxl]+|[a-h]")
NUMBERED = re.compile(r"([^\W\d]+)\d+")  # Track01, Op17
ARTISTS = _plain_words(UNNAMED)
ARTISTS_UNSPACED = _side_by_side(UNNAMED_UNSPACED)
BESIDE = _plain_words(BESIDE_OTHERS)
TITLES = ARTISTS | _plain_words(WITHOUT_TITLE) | _plain_words(FORMS) | BESIDE
TITLES_UNSPACED = _side_by_side(UNNAMED_UNSPACED, FORMS_UNSPACED)


def is_nameless_artist(name: str) -> bool:
    """Whether a name of plain words is what stands for no artist; '311' and 'Air' are bands."""
    found = name.split()
    if name in NOBODY or all(map(NUMBER.fullmatch, found)):
        return name in NOBODY
    return all(
        word in ARTISTS or NUMBER.fullmatch(word) or ARTISTS_UNSPACED.fullmatch(word)
        for word in found
    )


def is_nameless_title(name: str) -> bool:
    """Whether a title of plain words tells no recording from another."""
    found = name.split()
    return not BESIDE.issuperset(found) and all(
        NUMBER.fullmatch(word) or word in TITLES or TITLES_UNSPACED.fullmatch(word)
        for word in map(_without_number, found)
    )


def _without_number(word: str) -> str:
    match = NUMBERED.fullmatch(word)
    return match[1] if match else word
