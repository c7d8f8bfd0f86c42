from django.apps import AppConfig


class ShellConfig(AppConfig):
    name = "portal.shell"

    def ready(self) -> None:
        from portal.shell import checks  # noqa: F401  # registers them
        from portal.shell.registry import NavItem, nav

        nav.add(NavItem("home", "Home", "home", "home", order=10))
