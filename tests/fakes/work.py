"""What workers of a test do; they import it, so it needs next to nothing."""

import errno
import os
import time
from pathlib import Path


def squared(number):
    return number**2


def where(_):
    return str(Path.cwd()), os.getpid()


def fill_the_disk(path):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


def leave_a_mark(name):
    """Say who works, work for a while, and say that it is done."""
    Path(f"{name}.begun").write_text(str(os.getpid()))
    time.sleep(0.3)
    Path(f"{name}.done").touch()
    return name


def die(_):
    os._exit(1)


def die_once(name):
    """End the process at the first try, and only then."""
    mark = Path(f"{name}.died")
    if not mark.exists():
        mark.touch()
        os._exit(1)
    return name
