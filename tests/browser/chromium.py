"""Find Chromium, or install Debian's when it is missing and we may: `python -m tests.browser.chromium`."""

import os
import shutil
import subprocess
import sys

SHELL = "chromium-headless-shell"  # the same without windows, which costs a fifth less; old releases lack it
NAMES = [SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]


def find() -> str | None:
    """The path of a Chromium; SLIPWAY_CHROMIUM wins."""
    return os.environ.get("SLIPWAY_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def main() -> int:
    if find():
        return 0
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return say(
            "Install Chromium for the browser tests (Debian: apt install chromium), or set SLIPWAY_CHROMIUM."
        )
    print("  Installing Chromium …", flush=True)
    problem = apt_get("update") or (apt_get("install", "-y", SHELL) and apt_get("install", "-y", "chromium"))
    return say(problem) if problem else 0


def apt_get(*arguments: str) -> str:
    """What went wrong, or nothing."""
    command = ["apt-get", "-qq", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"`{' '.join(command)}` failed: {done.stderr.strip()[-500:]}" if done.returncode else ""


def say(problem: str) -> int:
    print(f"  {problem}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
