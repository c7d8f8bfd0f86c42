"""What every forked process of the run does first and last."""

import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel for a SIGKILL when the driver ends, however it ends."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def live_and_end(live: Callable[[], object]) -> NoReturn:
    """All that a forked process does: what it throws must never unwind into the stack of the driver.

    There it would stop the servers that the driver still uses.
    """
    code = 1
    try:
        die_with_parent()
        live()
        code = 0
    except KeyboardInterrupt:
        pass  # the driver gets it too, and has more to say
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)
