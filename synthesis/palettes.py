"""Palettes: which instruments a style chooses from for a role; a repeated one is likelier."""

BASSES = """
    saw held; saw pluck; square held; square pluck; triangle held; sub held; sub pluck; fm pluck
    supersaw held
"""
PLAYED_BASSES = """
    plucked struck; plucked pluck; plucked struck; triangle held; fm struck; random struck
"""
UPRIGHT_BASSES = """
    plucked struck; plucked pluck; plucked struck; strings held; triangle pluck
"""
SYNTH_PADS = """
    supersaw swell; saw swell; pulse swell; strings swell; voice swell; organ held; random swell
    fm swell
"""
SYNTH_CHORDS = """
    supersaw held; saw pluck; pulse pluck; organ held; fm struck; piano struck; random pluck
    square pluck
"""
STABS = """
    saw pluck; supersaw pluck; organ pluck; fm pluck; piano struck; square pluck; strings pluck
    brass pluck; random pluck
"""
SYNTH_LEADS = """
    supersaw held; saw held; square held; pulse held; triangle held; sub held; fm ring
    saw pluck; voice held; voice held; bell ring; plucked pluck; random held; random pluck
    flute held
"""
PLUCKS = """
    saw pluck; square pluck; pulse pluck; triangle pluck; plucked pluck; fm ring; bell ring
    mallet pluck; random pluck
"""
PLAYED_CHORDS = """
    piano struck; plucked struck; fm struck; organ held; piano struck; plucked ring
    random struck; reed held
"""
PLAYED_LEADS = """
    voice held; voice held; flute held; reed held; brass held; strings held; saw held
    plucked struck; piano struck; mallet ring; bell ring; random held; random struck
    square held
"""
GUITARS = """
    guitar struck; guitar ring; guitar struck; guitar pluck; plucked struck
"""
SINGERS = """
    voice held; voice held; voice held; reed held; guitar ring; saw held
"""
HORNS = """
    brass held; reed held; reed held; brass pluck
"""
JAZZ_CHORDS = """
    piano struck; piano struck; guitar struck; fm struck; organ held; mallet ring
"""
JAZZ_LEADS = """
    reed held; reed held; brass held; brass held; piano struck; guitar struck; mallet ring
    flute held; voice held; strings held
"""
FOLK_CHORDS = """
    plucked struck; plucked ring; accordion held; piano struck; organ held
"""
FOLK_LEADS = """
    flute held; reed held; strings held; strings held; plucked struck; accordion held
    voice held; voice held; plucked ring
"""
FOLK_DRONES = """
    reed held; strings held; accordion held; organ held
"""
ORCHESTRA = """
    strings held; strings swell; brass held; flute held; reed held; voice swell; plucked struck
    mallet ring
"""
KEYBOARDS = """
    piano struck; piano struck; piano ring; piano struck; plucked struck; fm struck
"""
