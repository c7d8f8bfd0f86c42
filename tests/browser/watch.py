"""What a page must not do while somebody uses it: errors, failed requests, breaches of the content policy."""

import re
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response

# The browser logs these when a form is refused (422) or somebody was faster (409): answers, not faults.
REFUSALS = re.compile(r"the server responded with a status of (409|422)")
TELL_BREACHES = """
document.addEventListener('securitypolicyviolation', (event) =>
  console.error('content policy: ' + event.violatedDirective + ' refused ' + (event.blockedURI || 'inline') +
    ' at ' + event.sourceFile + ':' + event.lineNumber));
"""


@dataclass
class Watch:
    """Collects complaints of every page of a context; `expect` names what a test provokes on purpose."""

    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def follow(self, context: BrowserContext) -> None:
        context.add_init_script(TELL_BREACHES)
        context.on("console", self._console)
        context.on("weberror", lambda error: self._complain(f"page error: {error.error}"))
        context.on("requestfailed", self._failed)
        context.on("response", self._answered)

    def expect(self, pattern: str) -> None:
        self.expected.append(pattern)

    def unexpected(self) -> list[str]:
        return [
            text for text in self.complaints if not any(re.search(pattern, text) for pattern in self.expected)
        ]

    def _complain(self, text: str) -> None:
        self.complaints.append(text)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not REFUSALS.search(message.text):
            self._complain(f"console: {message.text} ({message.page.url if message.page else ''})")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # leaving a page ends what it was asking for
            self._complain(f"request failed: {request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in (409, 422):
            self._complain(f"answered {response.status}: {response.request.method} {response.url}")
