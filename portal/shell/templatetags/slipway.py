"""Tags and filters that every page uses.

Escaping is Django's: nothing here calls text safe but `markdown`, which cleans it first.
"""

from datetime import datetime, timedelta, tzinfo
from functools import cache, lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.shell import markdown as md
from portal.shell import registry, times
from portal.shell.templatetags.constant import kept_where_constant

register = template.Library()

HEALTH = {
    "healthy": ("ok", "Healthy"),
    "progressing": ("go", "Rolling out"),
    "degraded": ("bad", "Degraded"),
    "suspended": ("idle", "Suspended"),
    "missing": ("warn", "Missing"),
    "unknown": ("idle", "Unknown"),
}
PILLS = {"info": "accent", "idle": "line", "": "line"}
AVATARS = "abcde"


@register.simple_tag
def icon(name: str, size: str = "", tone: str = "") -> SafeString:
    """One icon of the sprite; size "s" is 14 pixels, "l" 20; tone is a class such as ok, warn, bad."""
    return drawn(name, size, tone)


def drawn(name: str, size: str = "", tone: str = "") -> SafeString:
    return _drawn(name, size, tone, _sprite())


@lru_cache(1000)
def _drawn(name: str, size: str, tone: str, sprite: str) -> SafeString:
    """Kept, for a list has hundreds of the same few."""
    classes = " ".join(["ic", *([f"ic-{size}"] if size else []), *([tone] if tone else [])])
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#i-{}"/></svg>', classes, sprite, name
    )


def _sprite() -> str:
    return static("icons/sprite.svg") if settings.DEBUG else _sprite_of_this_release()


@cache
def _sprite_of_this_release() -> str:
    return static("icons/sprite.svg")


register.tags["icon"] = kept_where_constant(register.tags["icon"])


@register.inclusion_tag("components/banners.html", takes_context=True)
def banners(context: Any) -> dict[str, Any]:
    """What concerns everybody for a while, told where people look first."""
    request = context["request"]
    return {"banners": [banner for source in registry.banners for banner in source(request)]}


@register.simple_tag
def dot(status: Any, text: str = "") -> SafeString:
    """The health mark alone, its word for screen readers."""
    tone, word = HEALTH.get(str(status or "").lower(), ("idle", str(status) or "Unknown"))
    return format_html('<span class="health">{}<span class="sr">{}</span></span>', _mark(tone), text or word)


@register.simple_tag
def health(status: Any, text: str = "") -> SafeString:
    """Mark and word of something that runs."""
    tone, word = HEALTH.get(str(status or "").lower(), ("idle", str(status or "Unknown")))
    return format_html('<span class="health">{}<span>{}</span></span>', _mark(tone), text or word)


def _mark(tone: str) -> SafeString:
    return format_html(
        '<svg class="dot dot-{0}" viewBox="0 0 12 12" aria-hidden="true"><use href="{1}#h-{0}"/></svg>',
        tone,
        _sprite(),
    )


@register.simple_tag
def pill(label: Any, tone: str = "", icon_name: str = "") -> SafeString:
    """The state of a request or ticket."""
    mark: Any = icon(icon_name, "s") if icon_name else ""
    return format_html('<span class="pill pill-{}">{}{}</span>', PILLS.get(tone, tone), mark, label)


@register.simple_tag
def avatar(who: Any, size: str = "") -> SafeString:
    """Initials of a person, the letter of a team, a robot for nobody. Hidden from screen readers."""
    step = f" av-{size}" if size else ""
    if not who:
        return format_html('<span class="av{}" aria-hidden="true">{}</span>', step, icon("robot", "s"))
    key = getattr(who, "username", "") or getattr(who, "slug", "") or str(who)
    tone = AVATARS[sum(key.encode()) % len(AVATARS)]
    team = "" if getattr(who, "username", "") else " av-team"
    initials = getattr(who, "initials", "") or str(who)[:1].upper()
    return format_html('<span class="av av-{}{}{}" aria-hidden="true">{}</span>', tone, step, team, initials)


@register.simple_tag
def ago(at: datetime | None) -> SafeString | str:
    """How long ago in words, kept fresh in the browser; the whole date is in the title."""
    if at is None:
        return "never"
    return _time(at, times.ago(at, timezone.now()), "data-ago")


@register.simple_tag
def since(at: datetime | None) -> SafeString | str:
    """The time that has passed, counting: "14 min"."""
    if at is None:
        return ""
    return _time(at, times.span(timezone.now() - at), "data-since")


@register.simple_tag
def clock(at: datetime | None) -> SafeString | str:
    """The time of day today, else the day too."""
    return "" if not at else _time(at, times.clock(at, timezone.now()), "")


def _time(at: datetime, text: str, mark: str) -> SafeString:
    begin = _when(at, timezone.get_current_timezone(), mark)
    return format_html("{}{}</time>", begin, text)


@lru_cache(2000)
def _when(at: datetime, zone: tzinfo, mark: str) -> SafeString:
    """Kept, for what came together has one time."""
    local = at.astimezone(zone)
    return format_html(
        '<time datetime="{}" title="{}"{}>',
        local.isoformat(timespec="seconds"),
        f"{local:%A} {local.day} {local:%B %Y, %H:%M:%S %Z}",
        f" {mark}" if mark else "",
    )


@register.filter
def duration(value: timedelta | int | float | None) -> str:
    """A timedelta, or seconds, as "1 h 31 min"."""
    if value is None:
        return ""
    return times.span(value if isinstance(value, timedelta) else timedelta(seconds=value))


@register.filter
def markdown(text: str | None) -> SafeString:
    """Markdown as clean HTML in a `.prose` block."""
    return md.render(text or "")


@register.simple_tag(takes_context=True)
def qs(context: template.Context, **changes: Any) -> str:
    """The query string of this page with some keys changed; an empty value removes the key."""
    query = context["request"].GET.copy()
    for key, value in changes.items():
        if value in (None, ""):
            query.pop(key, None)
        else:
            query[key] = str(value)
    return f"?{query.urlencode()}"


@register.inclusion_tag("components/sort.html", takes_context=True)
def sort(context: template.Context, key: str, label: str) -> dict[str, Any]:
    """The head of a sortable column: a link that turns the order round."""
    now = context["request"].GET.get("sort", "") or context.get("sort", "")
    upward, downward = now == key, now == f"-{key}"
    query = qs(context, sort=f"-{key}" if upward else key, page="", after="", before="")
    return {"label": label, "url": query, "upward": upward, "downward": downward}


@register.inclusion_tag("components/empty.html")
def empty(icon_name: str, title: str, text: str = "", url: str = "", action: str = "") -> dict[str, str]:
    """What belongs here and how it gets here."""
    return {"icon_name": icon_name, "title": title, "text": text, "url": url, "action": action}


@register.inclusion_tag("components/meter.html")
def meter(value: float, most: float, label: str, tone: str = "") -> dict[str, Any]:
    """A bar from 0 to `most`, said in words by `label`."""
    share = 0.0 if not most else max(0.0, min(100.0, 100.0 * value / most))
    return {"width": f"{share:.1f}", "label": label, "tone": tone}


@register.inclusion_tag("components/pager.html", takes_context=True)
def pager(context: template.Context, page: Any, noun: str = "rows") -> dict[str, Any]:
    """Where one is in a paginated list, with the way on and back."""
    number = page.number
    return {
        "page": page,
        "noun": noun,
        "before": qs(context, page=number - 1) if page.has_previous() else "",
        "after": qs(context, page=number + 1) if page.has_next() else "",
    }


@register.filter
def truncatechars(text: Any, most: int) -> str:
    """Django's own, without looking up how to end in which language: a list has hundreds of them."""
    whole = str(text)
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"


@register.filter
def plus(value: Any, more: Any) -> Any:
    return value + more


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """A value of a dict by a key that a template variable holds."""
    return mapping.get(key) if hasattr(mapping, "get") else None
