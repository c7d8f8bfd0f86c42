"""What one part of a request gives another: answers worked out from data, shown, and not asked for twice.

A blueprint `provides` offers (a Secret with its keys, an address, a port) and `accepts` offers of some kinds
by filling its own fields from them. What comes of a connection are ordinary answers: a database's credentials
are rows under *Secrets*, its name stands under *Depends on*. So files, policies, the catalog and a later
change need to know nothing of connections.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.manifests.expressions import ExpressionError, Scope
from services.manifests.render import RenderError, compile_template
from services.onboarding.blueprints.answers import Form, fill, variables_of
from services.onboarding.blueprints.model import (
    Acceptance,
    Brought,
    Choice,
    Choices,
    Context,
    Field,
    FieldError,
    FieldState,
    WireState,
)
from services.onboarding.blueprints.parts import ON, PLAN, WIRE, Part
from services.onboarding.blueprints.tree import computed
from services.onboarding.blueprints.validation import check_value

ROUNDS = 3
NONE: frozenset[str] = frozenset()
# Fields of these sources hold the same in every part.
SHARED = ("teams", "systems", "environments")


@dataclass(frozen=True)
class Offer:
    """What a part provides; `ref` and `name` are those of the catalog entity it makes."""

    part: Part
    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Wire:
    """One offer accepted: `fills` are answers of `to`, `names` the variables as the person wants them."""

    to: Part
    acceptance: Acceptance
    offer: Offer
    on: bool
    names: Mapping[str, Any]
    fills: Mapping[str, Any]
    says: str

    @property
    def key(self) -> str:
        return f"{self.to.handle}-{self.offer.part.handle}"


@dataclass(frozen=True)
class Filled:
    """All forms together, by the keys of their parts; `contexts` are those they were filled in."""

    forms: Mapping[str, Form]
    contexts: Mapping[str, Context]
    wires: tuple[Wire, ...]
    answers: Mapping[str, Any]

    def wires_to(self, part: Part) -> list[Wire]:
        return [wire for wire in self.wires if wire.to == part]


def fill_all(parts: Sequence[Part], answers: Mapping[str, Any], context: Context) -> Filled:
    """Fill every form; what one gives another is worked out until it stays the same."""
    if len(parts) == 1:
        form = fill(parts[0].blueprint, parts[0].inner(answers), context)
        return Filled({"": form}, {"": context}, (), form.answers)
    contexts: dict[str, Context] = {"": context}
    forms = {"": fill(parts[0].blueprint, parts[0].inner(answers), context)}
    wires: tuple[Wire, ...] = ()
    for _ in range(ROUNDS):
        offers = [each for part in parts if part.key in forms for each in _offers(part, forms, contexts)]
        wires = tuple(_wires(parts, offers, forms, answers, context.together))
        settled = len(forms) == len(parts)
        for part in parts:
            fitting = _context(part, parts, forms, offers, wires, context)
            if contexts.get(part.key) is None or fitting.brought != contexts[part.key].brought:
                settled = False
                contexts[part.key] = fitting
                forms[part.key] = fill(part.blueprint, part.inner(answers), fitting)
            else:
                contexts[part.key] = fitting
        if settled:
            break
    return Filled(forms, contexts, wires, _united(parts, forms, answers))


def _united(parts: Sequence[Part], forms: Mapping[str, Form], answers: Mapping[str, Any]) -> dict[str, Any]:
    """All answers in one mapping, with the plan and what was said about connections."""
    plan = [f"{part.key}:{part.blueprint.name}" for part in parts if part.key]
    named = {part.outer(name): value for part in parts for name, value in forms[part.key].answers.items()}
    said = {name: value for name, value in answers.items() if WIRE.fullmatch(name)}
    return {**named, **said, PLAN: plan}


# ---- offers ----------------------------------------------------------------------------------------------


def _scope(part: Part, form: Form, context: Context) -> Scope:
    scope = Scope({**variables_of(part.blueprint, context), "answers": form.preview})
    chosen = part.blueprint.environments.evaluate(scope)
    scope.extend("environments", [e.as_variable() for e in context.environments if e.name in chosen])
    computed(part.blueprint.values, "values", scope)
    return scope


def _offers(part: Part, forms: Mapping[str, Form], contexts: Mapping[str, Context]) -> Iterator[Offer]:
    """What it provides; nothing while its answers do not make sense of it."""
    if not part.blueprint.provides:
        return
    try:
        scope = _scope(part, forms[part.key], contexts[part.key])
        entity = part.blueprint.entity.render(scope)
        name = entity["metadata"]["name"]
        about = {"ref": f"{entity['kind']}:default/{name}".lower(), "name": name}
        offers = [(each.kind, {**about, **each.data.render(scope)}) for each in part.blueprint.provides]
    except (RenderError, ExpressionError):
        return
    yield from (Offer(part, kind, data) for kind, data in offers)


# ---- connections -----------------------------------------------------------------------------------------


def _wires(
    parts: Sequence[Part], offers: Sequence[Offer], forms: Mapping[str, Form], answers: Mapping[str, Any],
    together: frozenset[str],
) -> Iterator[Wire]:  # fmt: skip
    """At most one from one part to another; variables of a name that is there begin with the part's key.

    None between those that came together before: it would be made a second time.
    """
    for part in parts:
        joined: set[str] = set()
        used = set(_said(part, forms[part.key])) if part.key in forms else set()
        for acceptance in part.blueprint.accepts if part.key in forms else ():
            for offer in offers:
                fits = offer.part != part and offer.kind in acceptance.kinds
                fits = fits and not {part.handle, offer.part.handle} <= together
                if fits and offer.part.key not in joined:
                    joined.add(offer.part.key)
                    own = _told_apart(offer, used)
                    used |= {each["name"] for each in _variables(own)}
                    yield from _wire(part, acceptance, own, forms[part.key], answers)


def _said(part: Part, form: Form) -> Iterator[str]:
    """Names the person gave to rows that connections add to."""
    for name in {name for acceptance in part.blueprint.accepts for name in acceptance.fill}:
        key = part.blueprint.fields[name].limits.get("uniqueBy")
        rows = form.answers[name] if key else []
        yield from (str(row.get(key)) for row in rows if isinstance(row, dict))


def _told_apart(offer: Offer, used: Collection[str]) -> Offer:
    variables = _variables(offer)
    if not any(each["name"] in used for each in variables):
        return offer
    prefix = f"{offer.part.handle.upper()}_"
    return replace(
        offer,
        data={**offer.data, "variables": [{**each, "name": prefix + each["name"]} for each in variables]},
    )


def _wire(
    part: Part, acceptance: Acceptance, offer: Offer, form: Form, answers: Mapping[str, Any]
) -> Iterator[Wire]:
    prefix = f"{part.handle}-{offer.part.handle}-"
    on = answers.get(prefix + ON) not in (False, "", "off")
    names = {each["name"]: answers.get(prefix + each["name"], each["name"]) for each in _variables(offer)}
    wanted = [{**each, "name": names[each["name"]]} for each in _variables(offer)]
    wanted = [each for each in wanted if each["name"] and not _mistakes(each["name"])]
    scope = Scope({"answers": form.preview, "offer": dict(offer.data), "variables": wanted})
    try:
        fills = {name: expression.evaluate(scope) for name, expression in acceptance.fill.items()}
        says = str(acceptance.says.render(scope))
    except (ExpressionError, RenderError):
        return
    yield Wire(part, acceptance, offer, on, names, fills, says)


def _variables(offer: Offer) -> list[dict[str, Any]]:
    return list(offer.data.get("variables") or ())


def _lists(wire: Wire) -> bool:
    """Whether it adds to lists; what it only prefills is taken away in the field itself."""
    return any(wire.to.blueprint.fields[name].type == "array" for name in wire.fills)


# ---- what each part is given -----------------------------------------------------------------------------


def _context(
    part: Part, parts: Sequence[Part], forms: Mapping[str, Form], offers: Sequence[Offer],
    wires: Sequence[Wire], context: Context,
) -> Context:  # fmt: skip
    others = [each for each in offers if each.part != part]
    mine = [wire for wire in wires if wire.to == part and wire.on]
    brought = _brought(part, mine, forms[""], context)
    names = {str(form.known.get("name") or "") for key, form in forms.items() if key != part.key} - {""}
    found = replace(
        context,
        brought=brought,
        taken=lambda name: name in names or context.is_taken(name),
        components=_with_others(context.components, others),
        services=_with_others(context.services, [each for each in others if each.kind == "service"]),
    )
    if not part.key:
        return found
    own = {name: part.outer(name) for name in part.blueprint.fields}
    fixed = {name: context.fixed[outer] for name, outer in own.items() if outer in context.fixed}
    return replace(found, fixed=fixed, upgrade=None)


def _brought(part: Part, wires: Sequence[Wire], main: Form, context: Context) -> Brought:
    """Of two that would fill the same field the first counts: the main part's offers come first."""
    carried, tucked, awaited = _carried(part, main, context) if part.key else ({}, NONE, NONE)
    filled: dict[str, Any] = {}
    wired: dict[str, list[Any]] = {}
    for name, value in ((name, value) for wire in wires for name, value in wire.fills.items()):
        if part.blueprint.fields[name].type != "array":
            filled.setdefault(name, value)
            continue
        items = wired.setdefault(name, [])
        rows = (_row(part.blueprint.fields[name], each) for each in value)
        items.extend(each for each in rows if each not in items)
    return Brought({**carried, **filled}, wired, tucked, awaited)


def _row(field: Field, item: Any) -> Any:
    """A row in the order of its columns: what an expression makes has none of its own."""
    return {each.name: item.get(each.name) for each in field.columns} if isinstance(item, dict) else item


def _carried(
    part: Part, main: Form, context: Context
) -> tuple[dict[str, Any], frozenset[str], frozenset[str]]:
    """What all parts share (owner, system, environments), and what this one makes of the main's answers.

    Then which of them are shared, and which follow an answer that is not there yet.
    """
    scope = Scope({"main": main.known, "today": context.today})
    templates = part.blueprint.joining.answers if part.blueprint.joining else {}
    found: dict[str, Any] = {}
    for name, template in templates.items():
        try:
            found[name] = template.render(scope)
        except RenderError:  # the main part has no such answer yet
            continue
    shared = {
        field.name: main.known[field.name]
        for field in part.blueprint.fields.values()
        if field.source in SHARED and main.known.get(field.name)
    }
    return {**found, **shared}, frozenset(shared), frozenset(templates.keys() - found.keys())


def _with_others(choices: Choices, offers: Sequence[Offer]) -> Choices:
    """What the other parts make can be chosen too, before the catalog has it."""
    more = [Choice(each.data["ref"], each.data["name"], "in this request") for each in offers]
    if not more:
        return choices
    if not callable(choices):
        return [*more, *choices]
    return lambda chosen: [*more, *choices([each for each in chosen if each not in {m.value for m in more}])]


# ---- as they are drawn -----------------------------------------------------------------------------------


def state_of(wire: Wire) -> WireState:
    if not _lists(wire):
        return WireState(wire.key, wire.says, on=True)
    switch = _field_state(f"{wire.key}-{ON}", "Connected", "boolean", "checkbox", wire.on, wire.on, ())
    names = []
    for each in _variables(wire.offer):
        default, value = each["name"], wire.names[each["name"]]
        source = f"{wire.offer.data.get('secret')}, key {each['key']}" if each.get("key") else each["value"]
        errors = tuple(
            replace(error, field=f"{wire.key}-{default}", suggestion=error.suggestion or default)
            for error in (_mistakes(value) if wire.on else ())
        )
        name = f"{wire.key}-{default}"
        state = _field_state(name, source, "string", "text", value, value == default, errors)
        names.append((state, str(source)))
    return WireState(wire.key, wire.says, wire.on, switch, tuple(names))


def mistakes_in(wires: Sequence[Wire]) -> list[FieldError]:
    states = [state for wire in wires for state, _ in state_of(wire).names]
    return [error for state in states for error in state.errors]


def _mistakes(value: Any) -> list[FieldError]:
    return list(check_value(VARIABLE, value, ())) if value != "" else []


def _field_state(
    name: str, label: str, type: str, widget: str, value: Any, prefilled: bool, errors: tuple[FieldError, ...]
) -> FieldState:
    return FieldState(
        name=name, label=label, help="", widget=widget, value=value, options=(), required=False, visible=True,
        prefilled=prefilled, errors=errors, type=type, wide=False,
    )  # fmt: skip


def wire_field(name: str) -> Field:
    """The field of a connection as a form posts it: `main-db-on`, `main-db-DATABASE_HOST`."""
    is_switch = name.endswith(f"-{ON}")
    return replace(VARIABLE, name=name, type="boolean" if is_switch else "string")


VARIABLE = Field(
    name="variable",
    label="Variable",
    type="string",
    widget="text",
    help=compile_template(""),
    required=False,
    visible=None,
    default=None,
    example=None,
    source="",
    options=(),
    limits={"format": "env-name"},
    rules=(),
)
