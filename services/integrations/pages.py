"""What git hosts add to the navigation."""

from portal.shell import registry
from portal.shell.http import HttpRequest
from portal.shell.policies import platform_only
from portal.shell.registry import NavItem


def visible(request: HttpRequest) -> bool:
    return platform_only(request.user)


def register() -> None:
    registry.nav.add(
        NavItem(
            "git-hosts",
            "Git hosts",
            "git-branch",
            "integrations:host_list",
            40,
            section="platform",
            visible=visible,
        )
    )
