"""Name the key of audio files.

songkey song.mp3
songkey ~/Music --json
songkey techno/ --minor-prior 0.85 --write-tags --dry-run
songkey ~/Music --compatible-with playing.mp3
"""

import sys

from songkey.errors import AudioKeyError
from songkey.options import parsed, parser
from songkey.run import name_keys


def main() -> None:
    """The console command: exits 1, with one line each, if a file has no key."""
    try:
        arguments = parsed(parser(__doc__))
        name_keys(arguments, arguments.model)
    except (AudioKeyError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("interrupted; the files above are answered", file=sys.stderr)
        sys.exit(130)
