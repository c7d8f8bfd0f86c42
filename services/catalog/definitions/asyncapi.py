"""AsyncAPI 2 and 3: channels, who sends and receives on them, and the messages."""

from collections.abc import Iterator
from typing import Any

from services.catalog.definitions.documents import Mapping, References, listed, name_of, table
from services.catalog.definitions.shapes import Shapes, shown
from services.catalog.definitions.tree import (
    MAX_OPERATIONS,
    MAX_SCHEMAS,
    Anchors,
    Block,
    Broken,
    Definition,
    Group,
    Operation,
    Row,
    text_of,
)

PREFIX = "#/components/schemas/"
# In version 2 the document speaks to those who use the application: they publish what it receives.
OLD = {"publish": ("RECEIVE", "ok"), "subscribe": ("SEND", "info")}
NEW = {"receive": ("RECEIVE", "ok"), "send": ("SEND", "info")}
MOST_MESSAGES = 20


def is_asyncapi(root: Mapping) -> bool:
    return "asyncapi" in root


def draw(root: Mapping) -> Definition:
    version = text_of(root.get("asyncapi"), 40)
    if not version.startswith(("2.", "3.")):
        raise Broken(f"asyncapi {version or 'without a version'} is not known here: 2 and 3 are", 1)
    return _Reader(root, version).definition()


class _Reader:
    def __init__(self, root: Mapping, version: str) -> None:
        self.root = root
        self.version = version
        self.refs = References(root)
        self.anchors = Anchors()
        self.shapes = Shapes(self.refs, self.anchors)

    def definition(self) -> Definition:
        info = table(self.root.get("info"))
        models = table(table(self.root.get("components")).get("schemas"))
        self.shapes.name(PREFIX, list(models)[:MAX_SCHEMAS])
        groups = self._new() if self.version.startswith("3") else self._old()
        servers = [
            self._server(str(name), one) for name, one in list(table(self.root.get("servers")).items())[:10]
        ]
        facts = [
            ("Version", text_of(info.get("version"), 100)),
            ("Servers", ", ".join(servers)),
            ("Content", text_of(self.root.get("defaultContentType"), 100)),
        ]
        return Definition(
            language="AsyncAPI",
            version=self.version,
            title=text_of(info.get("title"), 300),
            text=text_of(info.get("description"), 20_000),
            facts=tuple(fact for fact in facts if fact[1]),
            groups=tuple(groups),
            schemas=tuple(self.shapes.schemas(PREFIX, models)),
        )

    def _server(self, name: str, server: Any) -> str:
        said = self.refs.follow(server)
        place = text_of(said.get("url") or said.get("host"), 200) + text_of(said.get("pathname"), 100)
        protocol = text_of(said.get("protocol"), 40)
        return f"{name}: {place} ({protocol})" if protocol else f"{name}: {place}"

    def _old(self) -> Iterator[Group]:
        for address, item in list(table(self.root.get("channels")).items())[:MAX_OPERATIONS]:
            channel, name = self.refs.follow(item), str(address)[:300]
            operations = [
                self._operation(
                    verb, tone, name, channel, channel[key], self._messages(channel[key].get("message"))
                )
                for key, (verb, tone) in OLD.items()
                if isinstance(channel.get(key), dict)
            ]
            yield Group(
                name,
                self.anchors.make("channel", name),
                tuple(operations),
                text_of(channel.get("description")),
            )

    def _new(self) -> Iterator[Group]:
        """Each channel with the operations that name it; its messages alone when none does."""
        by_channel: dict[str, list[tuple[str, Mapping]]] = {}
        for name, one in list(table(self.root.get("operations")).items())[:MAX_OPERATIONS]:
            said = self.refs.follow(one)
            ref = table(said.get("channel")).get("$ref")
            by_channel.setdefault(name_of(ref) if isinstance(ref, str) else "", []).append((str(name), said))
        for key, item in list(table(self.root.get("channels")).items())[:MAX_OPERATIONS]:
            channel = self.refs.follow(item)
            name = text_of(channel.get("address"), 300) or str(key)[:300]
            operations = [self._new_one(name, channel, *one) for one in by_channel.pop(str(key), [])]
            if not operations:
                messages = list(table(channel.get("messages")).values())
                operations = [self._operation("CHANNEL", "", name, channel, {}, messages)]
            yield Group(
                name,
                self.anchors.make("channel", name),
                tuple(operations),
                text_of(channel.get("description")),
            )
        for name, rest in by_channel.items():
            lost = tuple(self._new_one(name or "?", {}, *one) for one in rest)
            yield Group(name or "No channel", self.anchors.make("channel", name), lost)

    def _new_one(self, name: str, channel: Mapping, called: str, said: Mapping) -> Operation:
        verb, tone = NEW.get(text_of(said.get("action"), 20), ("USE", ""))
        messages = listed(said.get("messages")) or list(table(channel.get("messages")).values())
        return self._operation(verb, tone, name, channel, {"operationId": called, **said}, messages)

    def _messages(self, message: Any) -> list[Any]:
        choice = listed(table(message).get("oneOf"))
        return choice or ([message] if message else [])

    def _operation(
        self, verb: str, tone: str, name: str, channel: Mapping, said: Mapping, messages: list[Any]
    ) -> Operation:
        parameters = [
            self._parameter(str(key), one) for key, one in list(table(channel.get("parameters")).items())[:60]
        ]
        blocks = [Block("Parameters", rows=self.anchors.spend(parameters))] if parameters else []
        blocks += [self._message(one) for one in messages[:MOST_MESSAGES]]
        called = text_of(said.get("operationId"), 200)
        return Operation(
            anchor=self.anchors.make(verb, name),
            verb=verb,
            name=name,
            tone=tone,
            summary=text_of(said.get("summary") or said.get("title"), 300),
            text=text_of(said.get("description")),
            facts=(("Operation", called),) if called else (),
            blocks=tuple(blocks),
        )

    def _parameter(self, name: str, said: Any) -> Row:
        plain = self.refs.follow(said)
        schema = plain.get("schema") or {"type": "string", **plain}
        word, link = self.shapes.word(schema)
        return Row(
            name[:200],
            word,
            link,
            required=True,
            text=text_of(plain.get("description"), 600),
            notes=self.shapes.notes(schema),
        )

    def _message(self, message: Any) -> Block:
        ref = table(message).get("$ref")
        said = self.refs.follow(message)
        for trait in listed(said.get("traits"))[:10]:
            said = {**self.refs.follow(trait), **said}
        named = name_of(ref) if isinstance(ref, str) else ""
        name = text_of(said.get("title") or said.get("name"), 200) or named or "message"
        payload, form = said.get("payload"), text_of(said.get("schemaFormat"), 100)
        if isinstance(payload, dict) and "schema" in payload and "schemaFormat" in payload:
            payload, form = payload["schema"], text_of(payload["schemaFormat"], 100)
        word, link = self.shapes.word(payload) if payload is not None else ("", "")
        given = next((self.refs.follow(one).get("payload") for one in listed(said.get("examples"))), None)
        headers = self.shapes.rows(said.get("headers"))
        rows = tuple(
            Row(h.name, h.type, h.link, h.depth, h.required, h.deprecated, h.text, ("header", *h.notes))
            for h in headers
        )
        return Block(
            title=f"Message {name}",
            hint=text_of(said.get("contentType"), 100) or form,
            type=word,
            link=link,
            text=text_of(said.get("summary") or said.get("description")),
            rows=self.shapes.rows(payload) + rows,
            example=shown(given) or self.shapes.example(payload),
        )
