"""Written music that music21 brings with it: what is free for all uses and no test material.

Left out: the Essen collection (not for commercial use), kern files of CCARH (rights reserved),
what has no clear mode (before 1650) or no clear licence, and all solo keyboard music, the
Well-Tempered Clavier first: private test pieces are of that kind.
"""

from pathlib import Path

# Files in music21's corpus folder, and why they may be used. The music itself is public domain;
# music21 distributes encodings "with the permission of the encoders".
COLLECTIONS = {
    "airdsAirs/*.abc": "no restriction stated (Aird's Airs of 1778)",
    "ryansMammoth/*.abc": "no restriction stated (Ryan's Mammoth Collection of 1883)",
    "oneills1850/*.abc": "no restriction stated (O'Neill's collection of dance tunes)",
    "miscFolk/*.abc": "no restriction stated (American fife tunes, Northumbrian Minstrelsy)",
    "bach/bwv[1-4]*.mxl": "no restriction stated (chorales)",
    "bach/bwv[5-9]?.*.mxl": "no restriction stated (chorales)",
    "haydn/*/*.mxl": "no restriction stated (string quartets)",
    "mozart/k[1-4]*/movement?.mxl": "no restriction stated (string quartets)",
    "beethoven/*/*.mxl": "no restriction stated (string quartets)",
    "beethoven/*.mxl": "no restriction stated (string quartets)",
    "schumann_robert/opus41no1/*.mxl": "no restriction stated (string quartet)",
    "schumann_robert/opus48no2.mxl": "no restriction stated (song)",
    "handel/*/*.mxl": "no restriction stated (aria)",
    "verdi/*.mxl": "no restriction stated (aria)",
    "weber/*.mxl": "released to the public domain in 1998 (concertino)",
    "corelli/*/*.xml": "CC BY (trio sonata)",
    "schumann_clara/opus17/*.xml": "CC BY-SA 4.0 (piano trio)",
    "johnson_j_r/*.mxl": "CC0 (song)",
    "liliuokalani/*.mxl": "CC0 (song)",
    "leadSheet/foster*.mxl": "public domain (song)",
}


def corpus_files(corpus: Path) -> list[Path]:
    """The usable files of music21's corpus folder, in order."""
    found = {path for pattern in COLLECTIONS for path in corpus.glob(pattern)}
    return sorted(found)
