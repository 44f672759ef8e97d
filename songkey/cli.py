"""Name the key of audio files.

songkey song.mp3
songkey ~/Music --json
songkey techno/ --minor-prior 0.85 --write-tags --dry-run
songkey ~/Music --compatible-with playing.mp3
songkey page    shows the key of songs on a web page (see songkey page --help);
                to name the key of a file that is called "page": songkey ./page
"""

import sys

from songkey.errors import AudioKeyError, harmless
from songkey.extra import needing
from songkey.options import parsed, parser
from songkey.run import name_keys

PAGE = "page"  # the one word that is no path


def main() -> None:
    """The console command: exits 1, with one line each, if a file has no key."""
    try:
        if sys.argv[1:2] == [PAGE]:
            with needing("page"):
                from songkey.page.launch import main as show_page
            return show_page(sys.argv[2:])
        arguments = parsed(parser(__doc__))
        name_keys(arguments, arguments.model)
    except (AudioKeyError, OSError) as error:
        sys.exit(f"error: {harmless(str(error))}")
    except KeyboardInterrupt:
        print("interrupted; the files above are answered", file=sys.stderr)
        sys.exit(130)
