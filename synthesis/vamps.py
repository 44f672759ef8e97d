"""Progressions of particular kinds of music; "*3" makes one three times likelier.

"pop" holds the loops that sections of songs begin with, counted in the McGill Billboard corpus
(CC0; Burgoyne, Wild, Fujinaga 2011) and RS200 (CC BY 4.0; de Clercq, Temperley 2011): many never
leave two chords, and some never begin on the tonic. The other kinds are common practice.
"""

POP = {
    "major": """
        I IV*81; I V*28; I IV V*27; I bVII IV*16; I vi IV V*13; I bVII*13; IV I*12; I vi*12
        I V IV*11; V IV*10; I IV V7*8; I V IV V*7; V I*7; I IV V IV*6; IV V I*6; V IV I*6
        I Isus4*6; I V7*6; I IV I V*6; ii7 V*5; I v7*5; I ii*5; IV V*5; I ii IV V*4; I iv*4
        I vi IV V7*4; I V vi IV*4; I Vsus4*4; I vi ii V*4; I7 IV7*4; I bIII IV*4; I ii7*3
        I5 IV5*3; I ii V*3; IV I ii7 I*3; I I7*3; IV bIII*3; I7 IV*3; I IV V I IV*3; bVII I*3
        I V I IV*3; bVII IV I*3; vi IV V*3; vi I*2; I7 bVII IV*2; I IV bIII*2; I II*2
    """,
    "minor": """
        i bVII*7; i IV*5; i bVI bVII*4; i bVII bVI bVII*4; i iv*3; bVI bVII i*3; i bVI*3
        i7 IV7*3; i v*2; i7 iv7*2; i V*2; bVI i*2; i bVII bVI*2; bVI bVII; bVI bVII V7 i; iv v7
        i bIII iv V; i bVI bVIIsus4; i bVI V7; i v7 iv7 bVI bVII; i i7; i iv v; i7 ii
        i v7 bVI bVII; i bIII iv bVI V7; i7 iv7 bIII V7; iv7 bIII bVI bVII; bVImaj7 bVII
    """,
}
# A chord or two, fifths without thirds, the tonic under all; in minor the second above it.
BARE = {
    "major": "I5*3; I*2; I5 I5 I5 IV5; I5 I5 I5 bVII5; I I I bVII; I7; I5 IV5; Isus4 I; I5 bVII5",
    "minor": """
        i5*5; i*4; i7*2; i5 i5 i5 bII5; i5 i5 i5 bVII5; i i i bII; i5 bII5; i5 bVII5; i i bVI i
        i5 i5 bIII5 i5; i5 i5 bVI5 bVII5; i5 iv5; isus4 i; i5 i5 bVI5 i5; i5 v5; i5 bIII5 bVII5 i5
        i i i v; i i bVII i; i bVI; i bVII
    """,
}
# A sampled chord moved up and down: house, dub techno, rave. Other minor chords are not in the key.
PARALLEL = {
    "major": "Imaj7 bVIImaj7; I bVII; Imaj7 IVmaj7; I7 bVII7; I bIII bVII IV",
    "minor": """
        i7 i7 iv7 i7; i7 bvii7; i7 v7; i7 iv7; i7 bvi7; i7 biii7; i7 ii7; i i bvii i; i i biii i
        i i bvi i; i9 iv9; i9 bvii9; i i i iv; i i bvii bvi; i7 i7 i7 bvii7; i i biii iv
        i7 bii7; i9 biii9 bvii9 i9
    """,
}
ROCK = {
    "major": """
        I5 bVII5 IV5 I5*3; I5 IV5 V5*2; I5 bIII5 IV5*2; I5 IV5; I5 V5 IV5; I IV V IV; I bVII IV*2
        I5 bVII5*2; I5 I5 IV5 V5; I5 bIII5 IV5 bVI5; I5 IV5 bVII5 IV5; I5 bVI5 bVII5; I5; I7; I5 II5
        I5 V5 VI5 IV5; I5 bVII5 bVI5 bVII5; IV5 I5; V5 IV5 I5; I V IV; I bIII bVII IV
    """,
    "minor": """
        i5 bVI5 bVII5*3; i5 bVII5 bVI5 bVII5*2; i5 bIII5 bVII5 IV5; i5 bVII5 IV5*2; i5*2
        i5 bIII5 IV5*2
        i5 bII5; i5 bVI5 bIII5 bVII5*2; i5 bVII5*2; i5 iv5 V5; i5 bVII5 bVI5 V5*2; i5 bV5 IV5 bIII5
        i5 i5 i5 bIII5; i5 i5 bVI5 V5; i5 bVI5; i bIII IV bVI; i5 iv5; bVI5 bVII5 i5; i5 bII5 bVII5
        i5 v5 bVI5 bVII5; i bVI bIII V
    """,
}
GROOVE = {  # funk, disco, reggae, hip-hop
    "major": """
        I7*3; I9*2; I7 IV7*2; I IV*3; I V; I ii; I ii7 V7; I bVII; I V IV; I IV V; I IV V IV
        Imaj7 IVmaj7; Imaj7 ii7; ii7 V7; IVmaj7 Imaj7; I vi ii V; I V vi IV; Imaj7 iii7 vi7 ii7
    """,
    "minor": """
        i7*3; i9*2; i7 IV7*3; i iv*2; i7 iv7*2; i bVII*2; i bVII bVI bVII; i bVI*2; i7 bVImaj7; i v
        i7 v7; i i i V7; i iv V7; bVImaj7 V7 i7; iv7 bVII7 i7; i bVI bVII; i*2; i bII; i bVImaj7 V7
        i7 i7 iv7 V7; i7 bIIImaj7; iv i; i iv v i
    """,
}
BLUES = {
    "major": """
        I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 I7*2; I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7*3
        I7 IV7 I7 I7 IV7 IV7 I7 V7/ii ii7 V7 I7 V7; I7 I7 I7 I7 IV7 IV7 I7 I7 V7 V7 I7 I7
        I I I I7 IV IV I I V IV I V; I7; I7 I7 IV7 I7; I7 V7 IV7 IV7 I7 V7 I7 V7
    """,
    "minor": """
        i7 i7 i7 i7 iv7 iv7 i7 i7 bVI7 V7 i7 V7; i7 iv7 i7 i7 iv7 iv7 i7 i7 V7 iv7 i7 V7
        i i i i iv iv i i V7 iv i i; i7; i7 i7 IV7 i7; i7 i7 i7 i7 iv7 iv7 i7 i7 iih7 V7 i7 i7
    """,
}
JAZZ = {
    "major": """
        ii7 V7 Imaj7 Imaj7*3; Imaj7 vi7 ii7 V7*3; iii7 V7/ii ii7 V7*2; Imaj7 V7/ii ii7 V7*2
        I6 I6 V7/V V7/V ii7 V7 I6 V7; Imaj7 IVmaj7 iii7 vi7 ii7 V7 I6 I6; I6 #io7 ii7 V7
        iii7 biiio7 ii7 V7; Imaj7 V7/IV IVmaj7 iv6 iii7 V7/ii ii7 V7; I6 vi7 ii7 V7 I6 V7/IV IV6 iv6
        V7/vi V7/vi V7/ii V7/ii V7/V V7/V V7 V7; ii7 V7 iii7 V7/ii ii7 V7 I6 I6; I6 I6 ii7 V7
        IVmaj7 iv6 Imaj7 V7/ii ii7 V7 Imaj7 Imaj7; Imaj7 iih7/iii V7/iii iii7 ii7 V7 Imaj7 V7
        Imaj7 bVII7 Imaj7 V7/ii; Imaj7 ii7 iii7 ii7; Imaj7 II7 ii7 bII7; IV6 iv6 I6 V7/ii V7/V V7
    """,
    "minor": """
        iih7 V7 i6 i6*3; i6 iih7 V7 i6*2; i7 iv7 bVII7 bIIImaj7 bVImaj7 iih7 V7 i6*2; i6 bVI7 V7 i6
        i6 i6 iv6 iv6 iih7 V7 i6 V7; i7 IV7*2; i6 iv6 iih7 V7; iv7 bVII7 bIIImaj7 bVImaj7 iih7 V7 i6
        i6 vih7 iih7 V7; i7 bVII7 bVI7 V7; iv7 bVII7 bIIImaj7 bVImaj7; i6 V7 i6 V7
        i6 i6 V7 V7 V7 V7 i6 i6
    """,
}
MODAL = {  # folk tunes: mixolydian is called major, dorian minor
    "major": """
        I*2; I I I bVII*2; I bVII I bVII; I bVII IV I; I I bVII I; I IV I V*2; I I IV V; I V I V
        I IV V I*2; I I V I; I vi IV V; I bVII; I I I V
    """,
    "minor": """
        i*2; i i i bVII*2; i bVII i bVII*2; i bVII i i; i IV i bVII; i bVII bVI bVII; i i bIII bVII
        i bIII bVII i; i v i i; i i bVII i; i IV; i v bVII i; i bVII bIII v
    """,
}
