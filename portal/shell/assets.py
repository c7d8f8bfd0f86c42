"""Front-end files of others: which package, which version, which bytes (`static/vendor/LOCK.json`).

The icon sprite is built from `static/icons/names.txt`: one Tabler outline name a line.
"""

import hashlib
import json
import re
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ICONS = "@tabler/icons"
# Health marks are ours: shape says as much as colour.
HEALTH_MARKS = {
    "ok": '<circle cx="6" cy="6" r="4" fill="currentColor"/>',
    "warn": '<path d="M6 1.3 11.2 10.3H.8Z" fill="currentColor" stroke="currentColor" stroke-width=".8" '
    'stroke-linejoin="round"/>',
    "bad": '<path d="M6 .9 11.1 6 6 11.1.9 6Z" fill="currentColor" stroke="currentColor" stroke-width=".6" '
    'stroke-linejoin="round"/>',
    "idle": '<circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" stroke-width="1.5" '
    'stroke-dasharray="2 1.6"/>',
    "go": '<circle cx="6" cy="6" r="4.2" fill="none" stroke="currentColor" stroke-width="1.4" opacity=".45"/>'
    '<path d="M6 3.2A2.8 2.8 0 0 1 6 8.8Z" fill="currentColor"/>',
}


def lock_path(root: Path) -> Path:
    return root / "static" / "vendor" / "LOCK.json"


def read_lock(root: Path) -> dict[str, Any]:
    lock: dict[str, Any] = json.loads(lock_path(root).read_text())
    return lock


def icon_names(root: Path) -> list[str]:
    """Names in the order of the file, without comments and blank lines."""
    lines = (root / "static" / "icons" / "names.txt").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def changed_files(root: Path) -> list[str]:
    """Paths whose bytes are not those of the lock file."""
    return [
        entry["path"]
        for entry in read_lock(root)["files"]
        if not (root / entry["path"]).is_file() or sha256(root / entry["path"]) != entry["sha256"]
    ]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(package: str, version: str, into: Path) -> Path:
    """Unpack one version of a package; needs npm. Runs none of the package's own scripts."""
    done = subprocess.run(  # fixed arguments, names from our lock file
        ["npm", "pack", "--silent", f"{package}@{version}"],  # npm is on the PATH of who vendors
        cwd=into,
        check=True,
        capture_output=True,
        text=True,
    )
    target = into / package.replace("/", "__")
    with tarfile.open(into / done.stdout.strip().splitlines()[-1]) as archive:
        archive.extractall(target, filter="data")
    return target / "package"


def copy_files(root: Path, packages: dict[str, Path], *, update: bool) -> None:
    """Put every file of the lock in its place; a hash that differs is refused unless `update`."""
    lock = read_lock(root)
    for entry in lock["files"]:
        data = (packages[entry["package"]] / entry["file"]).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        if digest != entry["sha256"] and not update:
            raise ValueError(f"{entry['path']}: expected sha256 {entry['sha256']}, got {digest}")
        entry["sha256"] = digest
        (root / entry["path"]).parent.mkdir(parents=True, exist_ok=True)
        (root / entry["path"]).write_bytes(data)
    lock_path(root).write_text(json.dumps(lock, indent=2) + "\n")


def sprite(names: Iterable[str], icons: Path) -> str:
    """One SVG with a symbol for every name, read from a folder of outline icons."""
    symbols = [
        f'<symbol id="h-{name}" viewBox="0 0 12 12">{body}</symbol>' for name, body in HEALTH_MARKS.items()
    ]
    symbols += [_symbol(name, (icons / f"{name}.svg").read_text()) for name in sorted(set(names))]
    return '<svg xmlns="http://www.w3.org/2000/svg">' + "\n".join(["", *symbols, ""]) + "</svg>\n"


def _symbol(name: str, svg: str) -> str:
    body = re.sub(r"\s+", " ", svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")])
    body = body.replace('<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "").replace(" />", "/>")
    return f'<symbol id="i-{name}" viewBox="0 0 24 24">{body.strip()}</symbol>'


def write_sprite(root: Path, icons: Path) -> int:
    names = icon_names(root)
    (root / "static" / "icons" / "sprite.svg").write_text(sprite(names, icons))
    return len(set(names))
