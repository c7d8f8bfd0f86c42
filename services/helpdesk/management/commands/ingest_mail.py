"""Read mails from files: what they say and what becomes of them, or bring them in."""

from collections.abc import Iterator
from contextlib import closing
from mailbox import mbox
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from portal.shell.commands import EngineCommand, Unusable
from services.helpdesk import mail_ids
from services.integrations.mail import incoming, kinds, quoting
from services.integrations.mail.incoming import Incoming


class Command(EngineCommand):
    help = "Read mails; exits with 1 when one of them cannot be read."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("paths", nargs="+", metavar="FILE", help="raw mails, mboxes or folders of them")
        parser.add_argument("--dry-run", action="store_true", help="tell what they are; keep nothing")

    def run(self, **options: Any) -> dict[str, Any]:
        mails = []
        for path in options["paths"]:
            for name, raw in _raw(Path(path)):
                mails.append({"file": name, **(_told(raw) if options["dry_run"] else _taken(raw))})
        return {"mails": mails}

    def text(self, document: dict[str, Any]) -> str:
        lines = []
        for mail in document["mails"]:
            lines += [f"{mail['file']}: {mail['action']}. {mail['reason']}"]
            lines += [f"    {mail['from'] or 'nobody'}: {mail['subject'] or '(no subject)'}"]
        return "\n".join([*lines, f"{len(document['mails'])} mails."])

    def is_wrong(self, document: dict[str, Any]) -> bool:
        return any(mail["action"] == kinds.UNREADABLE for mail in document["mails"])


def _raw(path: Path) -> Iterator[tuple[str, bytes]]:
    """Each mail of a file or folder, with the name it is told by."""
    try:
        if path.is_dir():
            for each in sorted(path.rglob("*")):
                if each.is_file() and not each.name.startswith("."):
                    yield from _raw(each)
        elif path.suffix == ".mbox":
            with closing(mbox(path, create=False)) as box:
                for number, message in enumerate(box, 1):
                    yield f"{path}#{number}", message.as_bytes()
        else:
            yield str(path), path.read_bytes()[: incoming.LARGEST]
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}") from error


def _told(raw: bytes) -> dict[str, Any]:
    """What a mail is and says; without a database, only the portal's own signs tell a reply."""
    mail = incoming.read(raw)
    kind = kinds.kind_of(mail, mail_ids.ours())
    number = mail_ids.number_in(mail_ids.places(mail))
    if kind.name == kinds.NEW and number:
        return _row(mail, "reply", f"It answers T-{number}.")
    return _row(mail, kind.name, kind.reason)


def _taken(raw: bytes) -> dict[str, Any]:
    from services.helpdesk.actions import mailing

    row = mailing.take(raw=raw, transport="file")
    return {
        **_row(incoming.read(raw), row.action, row.reason),
        "ticket": row.ticket.key if row.ticket else "",
    }


def _row(mail: Incoming, action: str, reason: str) -> dict[str, Any]:
    parts = quoting.split(mail.text, mail_ids.MARKER)
    return {
        "action": action,
        "reason": reason,
        "from": mail.sender,
        "from_name": mail.sender_name,
        "to": list(mail.to),
        "subject": mail.subject,
        "date": mail.date.isoformat() if mail.date else None,
        "text": mail.text,
        "reply": parts.reply,
        "quoted": parts.quoted,
        "attachments": [
            {"name": one.name, "content_type": one.content_type, "size": one.size} for one in mail.attachments
        ],
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "references": mail.references,
    }
