"""Forms as a browser finds them in a page."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from django.urls import Resolver404, resolve

SENT = {"input", "select", "textarea", "button"}


@dataclass
class Form:
    """One form or one htmx control: where it goes, and what it would send untouched."""

    method: str
    action: str
    values: dict[str, list[str]] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)

    @property
    def key(self) -> tuple[str, str, tuple[str, ...]]:
        """Forms with the same key are the same form on another page."""
        return self.method, _view(self.action), tuple(sorted(self.values))

    @property
    def fields(self) -> list[str]:
        return sorted(set(self.values) - {"csrfmiddlewaretoken"})


def _view(action: str) -> str:
    try:
        return str(resolve(urlsplit(action).path).view_name)
    except Resolver404:
        return action


class _Reader(HTMLParser):
    def __init__(self, here: str) -> None:
        super().__init__()
        self.here = here
        self.forms: dict[str, Form] = {}
        self.loose: list[tuple[str, str, str]] = []
        self.open: list[Form] = []
        self.select: str = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {key: value or "" for key, value in attrs}
        if tag == "form":
            form = Form(said.get("method", "get").lower(), urljoin(self.here, said.get("action", "")))
            self.forms[said.get("id") or f"#{len(self.forms)}"] = form
            self.open.append(form)
        self._control(tag, said)
        if tag == "option" and self.select:
            self._put(self.select, said.get("value", ""), "selected" in said)
        for verb in ("get", "post"):
            if f"hx-{verb}" in said and tag != "form":
                self.forms[f"#{len(self.forms)}"] = Form(
                    verb, urljoin(self.here, said[f"hx-{verb}"]), {"q": [""]}
                )

    def _control(self, tag: str, said: dict[str, str]) -> None:
        name, kind = said.get("name", ""), said.get("type", "text")
        if tag not in SENT or not name:
            return
        if said.get("form"):
            self.loose.append((said["form"], name, said.get("value", "")))
        elif self.open and kind == "file":
            self.open[-1].files.add(name)
        elif tag == "select":
            self.select = name
            self._put(name, "", False)
        elif tag == "button" or kind == "submit":
            self._put(name, said.get("value", ""), False)
        else:
            self._put(name, said.get("value", ""), kind not in ("checkbox", "radio") or "checked" in said)

    def _put(self, name: str, value: str, sent: bool) -> None:
        if self.open:
            self.open[-1].values.setdefault(name, []).extend([value] if sent else [])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self.open:
            self.open.pop()
        if tag == "select":
            self.select = ""


def forms_of(html: str, here: str) -> list[Form]:
    """Every form of a page, and every element that asks by itself."""
    reader = _Reader(here)
    reader.feed(html)
    for owner, name, value in reader.loose:
        if owner in reader.forms:
            reader.forms[owner].values.setdefault(name, []).append(value)
    return list(reader.forms.values())
