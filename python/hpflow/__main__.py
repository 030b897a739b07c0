"""The ``hpflow`` command: what ``hpflow`` and ``python -m hpflow`` run."""

import os
import signal
import sys


def main() -> int:
    """Runs the command with the arguments of this process and returns its exit code."""
    # Python would look at Ctrl-C when the command is done, and a closed pipe would be an exception.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _silence_device_selection()
    from ._hpflow import main as run

    # Encoded as the system gave them, whatever bytes they have.
    return run(["hpflow", *sys.argv[1:]])


def _silence_device_selection() -> None:
    """Mesa's device-selection layer complains where there is no desktop session."""
    if "XDG_RUNTIME_DIR" not in os.environ:
        os.environ.setdefault("NODEVICE_SELECT", "1")


if __name__ == "__main__":
    sys.exit(main())
