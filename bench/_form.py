"""The fields of a form as a browser would send them, read with the standard library's parser."""

from html.parser import HTMLParser


class Form(HTMLParser):
    """Fields of the first form whose id or action holds `mark`, with their present values."""

    def __init__(self, html: str, mark: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self.action = ""
        self._mark = mark
        self._inside = self._done = False
        self._select = self._textarea = ""
        self._chosen: str | None = None
        self.feed(html)

    def with_(self, **changes: object) -> dict[str, object]:
        """All fields, those named replaced; repeated names become lists."""
        data: dict[str, object] = {}
        for name, value in self.fields:
            if name in data:
                before = data[name]
                data[name] = [*before, value] if isinstance(before, list) else [before, value]
            else:
                data[name] = value
        return {**data, **changes}

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attributes}
        if tag == "form" and not self._done and self._mark in has.get("id", "") + has.get("action", ""):
            self._inside, self.action = True, has.get("action", "")
        if not self._inside:
            return
        if tag == "input" and has.get("name"):
            self._input(has)
        elif tag == "select":
            self._select, self._chosen = has.get("name", ""), None
        elif tag == "option" and self._select and (self._chosen is None or "selected" in has):
            self._chosen = has.get("value", "")
        elif tag == "textarea":
            self._textarea = has.get("name", "")

    def _input(self, has: dict[str, str]) -> None:
        ticked = has.get("type") not in ("radio", "checkbox") or "checked" in has
        if ticked and has.get("type") not in ("submit", "button", "file"):
            self.fields.append((has["name"], has.get("value", "")))

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.fields.append((self._textarea, data))
            self._textarea = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select:
            self.fields.append((self._select, self._chosen or ""))
            self._select = ""
        elif tag == "textarea" and self._textarea:
            self.fields.append((self._textarea, ""))
            self._textarea = ""
        elif tag == "form" and self._inside:
            self._inside, self._done = False, True
