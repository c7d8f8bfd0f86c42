"""The words of a language with braces, one after the other, each with its line and column."""

import re
from dataclasses import dataclass

from services.catalog.definitions.documents import check_size
from services.catalog.definitions.tree import Broken

MAX_TOKENS = 200_000
MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    line: int
    column: int


END = "end"


class Tokens:
    """What `pattern` finds (its named groups are the kinds); `skip` is dropped, `comment` kept in `said`."""

    def __init__(self, text: str, pattern: re.Pattern[str]) -> None:
        check_size(text)
        self._text = text
        self._pattern = pattern
        self._at = self._start = 0
        self._line = 1
        self._left = MAX_TOKENS
        self.said: list[str] = []
        self.now = self._next()

    def _next(self) -> Token:
        """The next word; what was commented just before it is in `said`."""
        self.said = []
        while self._at < len(self._text):
            match = self._pattern.match(self._text, self._at)
            column = self._at - self._start + 1
            if match is None or match.end() == self._at:
                raise Broken(f"{self._text[self._at]!r} cannot stand here", self._line, column)
            token = Token(match.lastgroup or "", match[0], self._line, column)
            self._move(match[0], match.end())
            if token.kind == "comment":
                self.said.append(token.text)
            elif token.kind == "skip":
                self.said = [] if token.text.count("\n") > 1 else self.said
            else:
                return self._counted(token)
        return Token(END, "the end", self._line, self._at - self._start + 1)

    def _counted(self, token: Token) -> Token:
        self._left -= 1
        if self._left < 0:
            raise Broken(f"it has more than {MAX_TOKENS:,} words", token.line)
        return token

    def _move(self, text: str, end: int) -> None:
        lines = text.count("\n")
        if lines:
            self._line += lines
            self._start = self._at + text.rindex("\n") + 1
        self._at = end

    def take(self) -> Token:
        token = self.now
        self.now = self._next()
        return token

    def at(self, *texts: str) -> bool:
        return self.now.kind != "string" and self.now.text in texts

    def accept(self, *texts: str) -> bool:
        if not self.at(*texts):
            return False
        self.take()
        return True

    def need(self, *texts: str) -> Token:
        if not self.at(*texts):
            raise self.broken(f"{' or '.join(texts)} should stand here, not {self.now.text[:40]}")
        return self.take()

    def need_kind(self, kind: str, what: str) -> Token:
        if self.now.kind != kind:
            raise self.broken(f"{what} should stand here, not {self.now.text[:40]}")
        return self.take()

    def broken(self, message: str) -> Broken:
        return Broken(message, self.now.line, self.now.column)

    def is_done(self) -> bool:
        return self.now.kind == END

    def skip_to(self, closing: str) -> list[Token]:
        """Everything up to `closing`, brackets in between whole."""
        opened = self.now
        passed: list[Token] = []
        depth = 0
        while depth or not self.at(closing):
            if self.is_done():
                raise Broken(f"{closing} is missing: what begins here never ends", opened.line, opened.column)
            if self.now.kind == "sign":
                depth += (self.now.text in "([{") - (self.now.text in ")]}")
            if depth < 0:
                raise self.broken(f"{closing} should stand here, not {self.now.text}")
            passed.append(self.take())
        self.take()
        return passed
