"""How every entry point ends: with one clear line for what the user can mend."""

import errno
import logging
import os
import select
import sys
from collections.abc import Callable

from songkey.errors import AudioKeyError, harmless
from songkey.screen import ended_quietly

LOST_WORKER = "DataLoader worker"  # so torch's error begins, which any line may raise


def run(
    main: Callable[[], None], going_on: str = "the same command goes on from what is finished"
) -> None:
    """Run an entry point; exits 1 with one line for wrong input, 130 when interrupted.

    That line tells how to go on, where that helps: what the exception notes, or else `going_on`.
    Any other exception is a fault of ours and keeps its traceback; AKC_DEBUG=1 shows all.
    """
    logging.basicConfig(
        format="%(message)s", level=logging.INFO if is_main_process() else "WARNING"
    )
    for library in ("botocore", "aiobotocore"):  # they tell of each command where its keys are from
        logging.getLogger(library).setLevel(logging.WARNING)
    try:
        main()
        sys.stdout.flush()
    except (AudioKeyError, OSError) as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            ended_quietly()
        if os.environ.get("AKC_DEBUG"):
            raise
        is_full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        again = f"; free some space: {_noted(error) or going_on}" * is_full
        sys.exit(harmless(f"error: {error}{again}"))
    except Exception as error:
        if os.environ.get("AKC_DEBUG") or not _tells_of_lost_worker(error):
            raise
        sys.exit(
            "error: a process that reads ahead was killed (out of memory?); if memory is short, "
            f"set stream.workers lower; {_noted(error) or going_on}"
        )
    except KeyboardInterrupt as error:
        print(f"interrupted; {_noted(error) or going_on}", file=sys.stderr)
        sys.exit(130)


def _noted(error: BaseException) -> str:
    return "; ".join(getattr(error, "__notes__", ()))


def _nobody_reads() -> bool:
    """Whether who read our output, such as `head`, has ended; not another pipe of ours."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _tells_of_lost_worker(error: BaseException | None) -> bool:
    """Whether that is behind an error: raised in any line, it may leave another one."""
    while error and not str(error).startswith(LOST_WORKER):
        error = error.__context__
    return error is not None


def is_main_process() -> bool:
    """Whether this is the first, or only, process that Accelerate or torchrun started."""
    return os.environ.get("RANK", "0") == "0"
