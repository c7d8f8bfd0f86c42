"""Packages for Node.js that tests drive the portal with: installed once, as their lock says."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.programs import NODE, NPM, say

ROOT = Path(__file__).resolve().parents[1]
LISTS = ("package.json", "package-lock.json")
SECONDS = 240


@dataclass(frozen=True)
class Packages:
    """What the lock in `source` names, in a folder that is not kept in git."""

    source: Path
    cached: Path

    @property
    def is_there(self) -> bool:
        """Whether all of it was installed from these very lists."""
        return all(
            (self.cached / "installed" / name).is_file()
            and (self.cached / "installed" / name).read_bytes() == (self.source / name).read_bytes()
            for name in LISTS
        )

    def install(self) -> str:
        """What went wrong, or nothing. Scripts of packages are not run."""
        npm = NPM.find()
        if npm is None or NODE.find() is None:
            return "The tests need Node.js and npm: `make programs` installs them, or says why not."
        shutil.rmtree(self.cached, ignore_errors=True)
        (self.cached / "installed").mkdir(parents=True)
        for name in LISTS:
            shutil.copy(self.source / name, self.cached)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
        done = subprocess.run(
            command, cwd=self.cached, capture_output=True, text=True, check=False, timeout=SECONDS,
            env={**os.environ, "CI": "1"},
        )  # fmt: skip
        if done.returncode:
            return f"`{' '.join(command)}` failed in {self.cached}: {done.stderr.strip()[-500:]}"
        for name in LISTS:
            shutil.copy(self.source / name, self.cached / "installed")
        return ""

    def needed(self) -> Path:
        """The folder; without the packages the test fails, and says why."""
        problem = "" if self.is_there else self.install()
        if problem:
            import pytest

            pytest.fail(problem, False)
        return self.cached


BACKSTAGE = Packages(ROOT / "tests" / "contracts" / "backstage", ROOT / ".cache" / "backstage")


def main() -> int:
    problem = "" if BACKSTAGE.is_there else BACKSTAGE.install()
    return say(problem) if problem else 0


if __name__ == "__main__":
    sys.exit(main())
