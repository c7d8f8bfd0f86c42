"""The form as it stands: defaults computed, what is visible and required decided, every answer checked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.manifests.expressions import Expression, ExpressionError, Scope
from services.manifests.render import RenderError, Template
from services.onboarding.blueprints.choices import judged, lacking, options_of, possible
from services.onboarding.blueprints.model import (
    Blueprint,
    Choice,
    Context,
    EnvironmentInfo,
    Field,
    FieldError,
    FieldState,
    Rule,
)
from services.onboarding.blueprints.validation import check_value, is_blank, is_empty

# What every reader of JSON keeps exactly.
LARGEST_NUMBER, LONGEST_NUMBER = 2**53, 40


@dataclass(frozen=True)
class Form:
    """`answers` are what was said or prefilled; `preview` has examples for what is missing or wrong.

    `known` has neither what is missing nor what is wrong.
    """

    answers: dict[str, Any]
    preview: dict[str, Any]
    states: dict[str, FieldState]
    known: dict[str, Any]

    @property
    def errors(self) -> tuple[FieldError, ...]:
        return tuple(error for state in self.states.values() for error in state.errors)


def fill(blueprint: Blueprint, given: Mapping[str, Any], context: Context) -> Form:
    """Go through the fields in order; a field's expressions see the answers before it."""
    return _Filling(blueprint, given, context).form()


def variables_of(blueprint: Blueprint, context: Context) -> dict[str, Any]:
    """What every expression of a form knows besides `answers`."""
    teams = [{"slug": team.slug, "name": team.name} for team in context.user.teams]
    return {
        "user": {"username": context.user.username, "name": context.user.name, "teams": teams},
        "all_environments": [each.as_variable() for each in context.environments],
        "request": context.request,
        "reserved": [dict(each) for each in context.reserved(blueprint.reserved)]
        if blueprint.reserved
        else [],
        "today": context.today,
    }


def coerce(field: Field, value: Any) -> Any:
    """What a text from a form means for this field; what cannot be read stays and is refused later."""
    if isinstance(value, list):
        return [_coerce_item(field, item) for item in value]
    if not isinstance(value, str):
        return value
    value = _storable(value.strip())
    if field.type in ("integer", "number"):
        return _number(value)
    if field.type == "boolean":
        return {"on": True, "true": True, "yes": True, "": False, "off": False, "false": False}.get(
            value, value
        )
    return [value] if field.type == "array" and value else value


def _coerce_item(field: Field, item: Any) -> Any:
    if isinstance(item, str):
        return _storable(item)
    if not isinstance(item, dict) or not field.columns:
        return item
    return {column.name: coerce(column, item.get(column.name)) for column in field.columns}


def _storable(text: str) -> str:
    """Without what neither UTF-8 nor the database can hold."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def _number(text: str) -> Any:
    """The number, where it is one that JSON and CEL can hold; else the text, which is refused later."""
    if len(text) > LONGEST_NUMBER:
        return text
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if abs(number) <= LARGEST_NUMBER else text
    return text


def storable(value: Any, depth: int = 4) -> Any:
    """JSON from outside as an answer can be: texts, numbers, lists and rows of them, nothing deeper."""
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, int | float) and not abs(value) <= LARGEST_NUMBER:
        return str(value)[:LONGEST_NUMBER]
    if isinstance(value, list):
        return [storable(item, depth - 1) for item in value] if depth else None
    if isinstance(value, dict):
        return (
            {_storable(str(key)): storable(item, depth - 1) for key, item in value.items()} if depth else None
        )
    return value


def with_carried(
    blueprint: Blueprint, answers: Mapping[str, Any], changes: Mapping[str, Any]
) -> dict[str, Any]:
    """The answers with a fix in them, and with what a changed field says must go with it."""
    fields = blueprint.fields
    known = {name: coerce(fields[name], value) for name, value in changes.items() if name in fields}
    result = {**{name: empty_of(field) for name, field in fields.items()}, **answers, **known}
    for name in list(known):
        scope = Scope({"answers": result, "value": known[name]})
        for other, expression in fields[name].carries.items():
            try:
                known.setdefault(other, expression.evaluate(scope))
            except ExpressionError:  # an answer it needs is not there
                continue
    return {**answers, **known}


def _named(item: Any) -> str:
    """An item of a list in a word: a variable by its name, an entity by its own."""
    text = item.get("name") if isinstance(item, dict) else item
    return str(text).rpartition("/")[2]


def empty_of(field: Field) -> Any:
    return [] if field.type == "array" else False if field.type == "boolean" else None


def _is_true(expression: Expression, scope: Scope) -> bool:
    """A rule that needs an answer which is not there yet does not refuse anything."""
    try:
        return expression.evaluate(scope) is True
    except ExpressionError:
        return False


def _told(rule: Rule, scope: Scope) -> tuple[str, Any]:
    """Message and suggestion; less of them where they speak of an answer that is not there."""
    try:
        message = str(rule.message.render(scope))
    except RenderError:
        message = "does not go with the other answers"
    try:
        return message, rule.suggestion.evaluate(scope) if rule.suggestion else None
    except ExpressionError:
        return message, None


class _Filling:
    def __init__(self, blueprint: Blueprint, given: Mapping[str, Any], context: Context) -> None:
        self.blueprint = blueprint
        self.given = given
        self.context = context
        self.base = variables_of(blueprint, context)
        self.answers = {name: empty_of(field) for name, field in blueprint.fields.items()}
        self.known, self.preview = dict(self.answers), dict(self.answers)
        self._scope = Scope(self.base)
        self._fresh = False

    def form(self) -> Form:
        states = {name: self.state(field) for name, field in self.blueprint.fields.items()}
        return Form(self.answers, self.preview, states, self.known)

    @property
    def scope(self) -> Scope:
        if not self._fresh:
            self._scope.extend("answers", self.known)
            self._fresh = True
        return self._scope

    def state(self, field: Field) -> FieldState:
        visible = self.holds(field.visible, True)
        missing = lacking(self.chosen, field.requires) if visible and field.requires else ""
        asked = visible and not missing
        required = asked and self.holds(field.required, False)
        value, prefilled, options = self.filled(field, required, asked)
        errors = tuple(self.errors(field, value, required, options)) if asked else ()
        self.take(field, value, bool(errors), asked)
        return FieldState(
            name=field.name,
            label=field.label,
            help=self.text(field.help) if visible else "",
            widget=field.widget,
            value=value,
            options=options,
            required=required,
            visible=visible,
            prefilled=prefilled,
            errors=errors,
            type=field.type,
            unit=field.unit,
            placeholder=field.placeholder,
            expert=field.expert or field.name in self.context.brought.tucked,
            wide=field.wide,
            columns=field.columns,
            fixed=field.name in self.context.fixed,
            missing=missing,
            wired=tuple(map(_named, self.context.brought.wired.get(field.name, ()))) if asked else (),
        )

    def filled(self, field: Field, required: bool, asked: bool) -> tuple[Any, bool, tuple[Choice, ...]]:
        """The value, whether it was prefilled, and what else could be chosen."""
        value, prefilled = self.value(field, required) if asked else (empty_of(field), False)
        options = options_of(field, value, self.context)
        if not field.source or field.source == "environments":
            options = judged(field, options, self.blueprint.requires, self.chosen, self.context)
            value = possible(field, value, options) if prefilled else value
        return value, prefilled, options

    @property
    def chosen(self) -> list[EnvironmentInfo]:
        """The environments chosen so far; all of them while none is."""
        try:
            names = self.blueprint.environments.evaluate(self.scope)
        except ExpressionError:
            names = []
        found = [each for each in self.context.environments if each.name in names]
        return found or list(self.context.environments)

    def value(self, field: Field, required: bool) -> tuple[Any, bool]:
        """What was said, or else the default (True): also for an optional text or number that was cleared."""
        fixed = self.context.fixed
        said = coerce(field, self.given.get(field.name, fixed.get(field.name)))
        cleared = field.name in self.given and (required or field.type in ("array", "boolean"))
        if not is_empty(said) or cleared:
            return (said, False) if not is_empty(said) else (empty_of(field), False)
        default = self.default(field)
        return (empty_of(field), False) if default is None else (default, True)

    def take(self, field: Field, value: Any, wrong: bool, asked: bool) -> None:
        """Let the fields after it see the answer if it passes, without rows that are still blank.

        Those see nothing, and the manifests an example, where it does not: what is wrong goes no further.
        """
        if isinstance(value, list):
            value = [item for item in value if not is_blank(item)]
        self.answers[field.name] = value
        stand_in = empty_of(field) if field.example is None else field.example
        lacking = is_empty(value) and (field.default is not None or self.awaits(field))
        known, preview = empty_of(field) if wrong else value, stand_in if wrong or lacking else value
        self.known[field.name] = self.with_wired(field, known) if asked else known
        self.preview[field.name] = self.with_wired(field, preview) if asked else preview
        self._fresh = False

    def with_wired(self, field: Field, value: Any) -> Any:
        """The value, and what other parts add to it; what the person said under the same name stays."""
        items = self.context.brought.wired.get(field.name)
        if not items or not isinstance(value, list):
            return value
        key = field.limits.get("uniqueBy")
        said = [each.get(key) if key and isinstance(each, dict) else each for each in value]
        return [*value, *(each for each in items if (each.get(key) if key else each) not in said)]

    def holds(self, condition: Expression | bool | None, otherwise: bool) -> bool:
        if condition is None or isinstance(condition, bool):
            return otherwise if condition is None else condition
        try:
            return condition.evaluate(self.scope) is True
        except ExpressionError:
            return otherwise

    def default(self, field: Field) -> Any:
        """A default that has no value yet, because it needs an answer that is not there, is no default."""
        if self.context.brought.prefills.get(field.name) is not None:
            return self.context.brought.prefills[field.name]
        try:
            return field.default.render(self.scope) if field.default else None
        except RenderError:
            return None

    def text(self, template: Template) -> str:
        """The empty text where an answer it speaks of is missing."""
        try:
            return str(template.render(self.scope))
        except RenderError:
            return ""

    def errors(
        self, field: Field, value: Any, required: bool, options: tuple[Choice, ...]
    ) -> Iterator[FieldError]:
        if field.name in self.context.fixed:
            yield from self.moved(field, value)
            return
        if is_empty(value) or (value is False and required):
            if required and not self.awaits(field):
                yield FieldError("required", "is needed", field=field.name)
            return
        found = list(check_value(field, value, options))
        yield from found
        if not found and field.unique and self.context.is_taken(value):
            yield FieldError("taken", f"{value} is taken", self.free(value), field.name)
        if not found:
            yield from self.broken_rules(field, value)

    def awaits(self, field: Field) -> bool:
        """Whether it follows an answer of the main part that is not there yet, or what follows that."""
        awaited = self.context.brought.awaited
        return field.name in awaited or bool(awaited and field.default is not None)

    def moved(self, field: Field, value: Any) -> Iterator[FieldError]:
        before = self.context.fixed[field.name]
        texts = value if isinstance(value, list) and field.type == "array" else [value]
        if value != before or not all(isinstance(text, str) for text in texts):
            said = ", ".join(map(str, before)) if isinstance(before, list) else before
            message = f"stays {said}: a change neither renames nor moves what runs"
            yield FieldError("fixed", message, before, field.name)

    def free(self, value: str) -> str | None:
        tries = (f"{value}-{number}" for number in range(2, 20))
        return next((each for each in tries if not self.context.is_taken(each)), None)

    def broken_rules(self, field: Field, value: Any) -> Iterator[FieldError]:
        if not field.rules:
            return
        scope = Scope({**self.base, "answers": self.known, "value": value})
        for rule in field.rules:
            if _is_true(rule.when, scope):
                yield FieldError("rule", *_told(rule, scope), field.name)
