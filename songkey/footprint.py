"""The memory that this process holds, and its limit, on each system by its own means."""

import mmap
import sys
from contextlib import suppress


def resident_bytes() -> int:
    """What this process holds now, on macOS what it held at most; 0 if the system does not say."""
    if sys.platform == "win32":
        return _windows_bytes()
    with suppress(OSError), open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * mmap.PAGESIZE
    with suppress(ImportError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 0


def _windows_bytes() -> int:
    """https://learn.microsoft.com/windows/win32/api/psapi/ns-psapi-process_memory_counters"""
    import ctypes

    class Counters(ctypes.Structure):
        _fields_ = [
            ("size", ctypes.c_uint32), ("faults", ctypes.c_uint32), ("sizes", ctypes.c_size_t * 8)
        ]  # fmt: skip

    counters = Counters(size=ctypes.sizeof(Counters))
    kernel = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]  # on Windows only
    this_process = ctypes.c_void_p(-1)
    kernel.K32GetProcessMemoryInfo(this_process, ctypes.byref(counters), counters.size)
    return counters.sizes[1]  # WorkingSetSize


def can_take(count: int) -> bool:
    """Whether the system has so much memory to give now, whatever limit this process has set."""
    try:
        mmap.mmap(-1, max(1, count)).close()  # shared, which the limit below does not count
    except (OSError, MemoryError):
        return False
    return True


def limit_memory(most_bytes: int) -> None:
    """Let this process allocate no more than that, and write no core file, where a system can."""
    if sys.platform == "win32":
        return
    try:
        import resource
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_DATA, most_bytes), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard < 0 else min(most, hard), hard))
