"""What a worker holds: a long-lived process with a network in it must be seen to stay the size it is."""

import resource
from pathlib import Path


def resident_mb() -> float:
    """The memory this process holds now, in MiB; its peak where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def give_back() -> None:
    """Return freed memory to the system; pictures and activations come and go in large pieces."""
    import ctypes
    import gc

    gc.collect()
    if Path("/proc/self/status").exists():
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; musl has none
        if trim is not None:
            trim(0)
