"""A mail server: takes what comes, and answers one step of one mail otherwise when it is told to."""

import socketserver
import threading
from email import message_from_bytes
from email.message import Message
from typing import Any

STEPS = ("EHLO", "MAIL", "RCPT", "DATA", ".")
ANSWERS = {"DATA": b"354 go on"}


class Mailbox(socketserver.ThreadingTCPServer):
    """`taken` is every mail it said 250 to, or lost the answer of; `orders` (step -> answer) hold once.

    An answer of b"" cuts the line there; what was being said then was heard.
    """

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.taken: list[Message] = []
        self.orders: dict[str, bytes] = {}
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    def shown(self) -> list[Message]:
        """What people see: a mailbox drops a second mail with a Message-ID it has."""
        return list({(mail["Message-ID"], mail["To"]): mail for mail in reversed(self.taken)}.values())[::-1]

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Session(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        self._say(self.server.orders.pop("hello", b"220 ready"))
        while line := self.rfile.readline():
            step = line[:4].decode(errors="replace").strip().upper()
            if step == "QUIT":
                self._say(b"221 bye")
                return
            answer = self.server.orders.pop(step, ANSWERS.get(step, b"250 fine"))
            if step == "DATA" and answer[:3] == b"354":
                self._say(answer)
                answer = self._data()
            if not answer:
                return
            self._say(answer)

    def _data(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        answer: bytes = self.server.orders.pop(".", b"250 taken")
        if not answer or answer.startswith(b"2"):
            self.server.taken.append(message_from_bytes(b"".join(lines)))
        return answer

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")
