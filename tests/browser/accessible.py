"""What axe says of a page, in both themes."""

import json
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

PUT_THEME = """(theme) => {
  if (theme === null) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}"""
CONTRAST, MARK = "color-contrast", "data-judged"
# Contrast took most of the time: a list of fifty rows has as many texts of each of its columns, all alike,
# and the frame around it is on every page. What was judged well in a theme is not judged again in this run.
MARK_ALIKE = Path(__file__).with_name("alike.js").read_text()
JUDGE_MARKED = {"rules": [{"id": CONTRAST, "selector": f"[{MARK}]"}]}
AXE = f"{Axe().axe_script}; axe.configure({json.dumps(JUDGE_MARKED)})"
judged_well: dict[str, set[str]] = {"light": set(), "dark": set()}
RUN = "async (options) => (await axe.run(options)).violations"


def check_accessible(page: Page) -> None:
    """No axe violation in either theme; what does not depend on colours is looked at once.

    Contrast is judged of every text that looks like no other, and of two of those that look alike, on the
    first page of the run that has them.
    """
    page.wait_for_load_state()  # a page that has only just been asked for has no document element yet
    saved = page.evaluate("document.documentElement.dataset.theme ?? null")
    told = _violations(page, "light") + _violations(page, "dark", rules=[CONTRAST])
    page.evaluate(PUT_THEME, saved)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    assert not told, f"{page.url}\n" + "\n".join(told)


def _violations(page: Page, theme: str, rules: list[str] | None = None) -> list[str]:
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.evaluate(PUT_THEME, theme)
    looks = page.evaluate(MARK_ALIKE, {"mark": MARK, "judged": sorted(judged_well[theme])})
    if rules == [CONTRAST] and not looks:
        return []
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    options: dict[str, object] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": rules}
    found = page.evaluate(RUN, options)
    if all(violation["id"] != CONTRAST for violation in found):
        judged_well[theme].update(looks)
    return [
        f"{violation['id']} ({theme}): {violation['help']}\n    " + "\n    ".join(_where(violation))
        for violation in found
    ]


def _where(violation: dict) -> list[str]:
    return [f"{node['target']} {node['html'][:160]}" for node in violation["nodes"][:4]]
