"""A blueprint's folder that is nowhere but in memory: as somebody types it."""

import errno
import fnmatch
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MOST_FILES: Final = 40
MOST_CHARACTERS: Final = 200_000


class TooMuch(ValueError):
    """More than one sketch may hold."""


@dataclass(frozen=True, order=True)
class Sketch:
    """As much of a `Path` as reading a blueprint needs; `texts` are all files below the folder, by path."""

    path: str = ""
    texts: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __truediv__(self, name: str) -> "Sketch":
        return Sketch(f"{self.path}/{name}".lstrip("/"), self.texts)

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    def read_text(self) -> str:
        if self.path not in self.texts:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.path)
        return self.texts[self.path]

    def read_bytes(self) -> bytes:
        return self.read_text().encode()

    def glob(self, pattern: str) -> Iterator["Sketch"]:
        """What lies right in this folder."""
        for path in self.texts:
            folder, _, name = path.rpartition("/")
            if folder == self.path and fnmatch.fnmatchcase(name, pattern):
                yield Sketch(path, self.texts)


Folder = Path | Sketch


def sketch(texts: Mapping[str, str]) -> Sketch:
    """Refuses (TooMuch) more files or more text than anybody writes by hand."""
    if len(texts) > MOST_FILES:
        raise TooMuch(f"A blueprint here has at most {MOST_FILES} files.")
    size = sum(map(len, texts.values()))
    if size > MOST_CHARACTERS:
        raise TooMuch(f"All files together have {size:,} characters; {MOST_CHARACTERS:,} are the most.")
    return Sketch("", dict(texts))


def texts_of(folder: Folder) -> dict[str, str]:
    """The files of a folder that make a blueprint, without its cases."""
    if isinstance(folder, Sketch):
        return dict(folder.texts)
    paths = [folder / "blueprint.yaml", *sorted((folder / "manifests").glob("*.yaml"))]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}
