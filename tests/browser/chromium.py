"""Find Chromium, or install Debian's when it is missing and we may: `python -m tests.browser.chromium`."""

import os
import shutil
import subprocess
import sys

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]


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
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return say(f"`{' '.join(command)}` failed: {done.stderr.strip()[-500:]}")
    return 0


def say(problem: str) -> int:
    print(f"  {problem}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
