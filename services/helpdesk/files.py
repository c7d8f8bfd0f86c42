"""Files that people add to what they say: what they are is read from their bytes, never believed."""

from dataclasses import dataclass
from typing import Any

from django import forms

MEGABYTE = 1024 * 1024
LARGEST, MOST = 5 * MEGABYTE, 5
SIGNS: dict[str, tuple[bytes, ...]] = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "application/pdf": (b"%PDF-",),
    "application/zip": (b"PK\x03\x04",),
    "application/gzip": (b"\x1f\x8b\x08",),
}
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})  # as pictures, on the page
KNOWN = "pictures (PNG, JPEG, GIF, WebP), PDF, text, zip and gzip"
_BESIDE_TEXT = {*range(32), 127} - {*b"\t\n\r\f\x1b"}  # a terminal's colours are left in logs


@dataclass(frozen=True)
class File:
    name: str
    kind: str
    content: bytes


def kind_of(content: bytes) -> str:
    """The type of these bytes; nothing for what is none of those we take."""
    for kind, signs in SIGNS.items():
        if content.startswith(signs):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return "text/plain" if _is_text(content) else ""


def _is_text(content: bytes) -> bool:
    if not content or _BESIDE_TEXT.intersection(content):
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def name_of(text: str) -> str:
    """A name as text: without folders and what no file system shows."""
    last = text.replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter for letter in last if letter.isprintable()).strip()
    return kept[-120:] or "file"


class Chosen(forms.ClearableFileInput):
    allow_multiple_selected = True


class Files(forms.FileField):
    """Any number of files up to MOST. Refuses, by name, what is too large, empty, or of no type we take."""

    widget = Chosen

    def clean(self, data: Any, initial: Any = None) -> list[File]:
        given = [one for one in (data if isinstance(data, list | tuple) else [data]) if one]
        if len(given) > MOST:
            raise forms.ValidationError(f"{MOST} files at once are enough; put the others into a zip.")
        return [_read(one) for one in given]


def _read(upload: Any) -> File:
    name = name_of(upload.name or "")
    if upload.size > LARGEST:
        raise forms.ValidationError(f"“{name}” is larger than {LARGEST // MEGABYTE} MB.")
    content = upload.read()
    kind = kind_of(content)
    if not kind:
        said = f"is none of {KNOWN}" if content else "is empty"
        raise forms.ValidationError(f"“{name}” {said}. Nothing was sent; what you wrote is still here.")
    return File(name, kind, content)
