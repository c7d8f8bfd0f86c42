"""An IMAP server with one inbox: as much of RFC 3501 as a reader asks for; one step fails when told to."""

import re
import socketserver
import threading
from typing import Any


class Inbox(socketserver.ThreadingTCPServer):
    """`mails` by UID; `seen` are those marked so; `orders` (command -> answer) hold once, b"" cuts."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, *mails: bytes, password: str = "open sesame") -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails = dict(enumerate(mails, start=101))
        self.seen: set[int] = set()
        self.orders: dict[str, bytes] = {}
        self.password = password
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        quoted = self.password.replace(" ", "%20")
        return f"imap://help%40larkfield.shop:{quoted}@127.0.0.1:{self.server_address[1]}/INBOX"

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Session(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        self.wfile.write(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        while line := self.rfile.readline():
            tag, _, said = line.decode(errors="replace").strip().partition(" ")
            word = said.split(" ")[0].upper()
            name = " ".join(said.upper().split(" ")[:2]) if word == "UID" else word
            told = self.server.orders.pop(name, None)
            if told == b"":
                return
            for answer in self._untagged(name, said) if told is None else []:
                self.wfile.write(b"* " + answer + b"\r\n")
            self.wfile.write(tag.encode() + b" " + (told or self._outcome(name, said)) + b"\r\n")
            if name == "LOGOUT":
                return

    def _outcome(self, name: str, said: str) -> bytes:
        if name == "LOGIN" and self.server.password not in said:
            return b"NO [AUTHENTICATIONFAILED] wrong name or password"
        return b"OK done"

    def _untagged(self, name: str, said: str) -> list[bytes]:
        server = self.server
        if name == "CAPABILITY":
            return [b"CAPABILITY IMAP4rev1"]
        if name in ("SELECT", "EXAMINE"):
            return [b"%d EXISTS" % len(server.mails), b"OK [UIDVALIDITY 7]"]
        if name == "UID SEARCH":
            unseen = [str(uid) for uid in sorted(server.mails) if uid not in server.seen]
            return [b"SEARCH " + " ".join(unseen).encode()]
        uids = [int(uid) for uid in re.findall(r"\b\d{3,}\b", said.partition("(")[0])]
        if name == "UID STORE":
            server.seen.update(uids)
            return [b"1 FETCH (FLAGS (\\Seen))"]
        if name == "UID FETCH":
            raw = server.mails[uids[0]]
            return [b"1 FETCH (UID %d BODY[] {%d}\r\n" % (uids[0], len(raw)) + raw + b")"]
        return [b"BYE"] if name == "LOGOUT" else []
