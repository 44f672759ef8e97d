"""As sitecustomize.py: Python whose decoder dies of a WAV of DEADLY_RATE, as FFmpeg does of some.

Which files crash FFmpeg changes with each version of it.
"""

import os

import soundfile

DEADLY_RATE = 12_345

read = soundfile.SoundFile.read


def read_or_die(file, *arguments, **options):
    if file.samplerate == DEADLY_RATE:
        os.abort()
    return read(file, *arguments, **options)


soundfile.SoundFile.read = read_or_die
info = soundfile.info


def info_or_die(file, *arguments, **options):
    found = info(file, *arguments, **options)
    if found.samplerate == DEADLY_RATE:
        os.abort()
    return found


soundfile.info = info_or_die
