"""As sitecustomize.py: Python whose decoder dies of a WAV of DEADLY_RATE, as FFmpeg does of some.

Which files crash FFmpeg changes with each version of it.
"""

import os
import signal

import soundfile

DEADLY_RATE = 12_345
KILLED_RATE = 12_346  # as by a system that is short of memory

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
    if found.samplerate == KILLED_RATE:
        os.kill(os.getpid(), signal.SIGKILL)
    return found


soundfile.info = info_or_die
