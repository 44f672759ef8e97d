"""Makes Python on Linux one as on Windows or macOS, as far as songkey can see.

A copy named sitecustomize.py in a folder of PYTHONPATH runs as each Python starts, also as those
that songkey starts. Modules are hidden from all; of functions and constants songkey alone does not
see them, for Python's own library there is another one.
"""

import os
import signal
import sys
import time

MODULES = ("fcntl", "grp", "pty", "pwd", "readline", "resource", "spwd", "syslog", "termios", "tty")
NAMES = {
    os: (
        "chown", "copy_file_range", "eventfd", "fchmod", "fchown", "fdatasync", "fork", "forkpty",
        "geteuid", "getgid", "getloadavg", "getpgid", "getpriority", "getsid", "getuid", "killpg",
        "lchown", "lockf", "major", "memfd_create", "minor", "mkfifo", "mknod", "nice", "openpty",
        "pidfd_open", "pipe2", "posix_fadvise", "posix_fallocate", "posix_spawn", "pread", "preadv",
        "pwrite", "pwritev", "readv", "register_at_fork", "sched_getaffinity",
        "sched_setaffinity", "sched_yield", "sendfile", "setpgid", "setpriority", "setsid",
        "splice", "statvfs", "sync", "sysconf", "uname", "wait", "wait3", "wait4", "writev",
        "O_CLOEXEC", "O_DIRECT", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_SYNC", "O_TMPFILE",
    ),
    signal: (
        "SIGALRM", "SIGBUS", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT",
        "SIGSTOP", "SIGTSTP", "SIGUSR1", "SIGUSR2", "SIGWINCH", "alarm", "pause", "pthread_kill",
        "pthread_sigmask", "setitimer", "sigwait",
    ),
    time: ("clock_gettime", "pthread_getcpuclockid", "tzset"),
}  # fmt: skip
PLACES = ("/dev/", "/proc/", "/sys/")


def _is_songkey(depth: int) -> bool:
    return f"{os.sep}songkey{os.sep}" in sys._getframe(depth + 1).f_code.co_filename


def _hide(module, names) -> None:
    hidden = {name: vars(module).pop(name) for name in names if hasattr(module, name)}
    missing = {}
    if module is os:  # on Windows alone what is not in UTF-8 is an error
        hidden["fsdecode"] = vars(os).pop("fsdecode")
        missing["fsdecode"] = lambda name: name if isinstance(name, str) else name.decode("utf-8")

    def __getattr__(name: str):
        found = missing if _is_songkey(1) else hidden
        if name in found:
            return found[name]
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

    module.__getattr__ = __getattr__


def _refuse(event: str, arguments: tuple) -> None:
    if event == "open" and str(arguments[0]).startswith(PLACES) and _is_songkey(1):
        raise FileNotFoundError(2, "No such file or directory", arguments[0])


for _name in MODULES:
    sys.modules[_name] = None
for _module, _names in NAMES.items():
    _hide(_module, _names)
sys.addaudithook(_refuse)
