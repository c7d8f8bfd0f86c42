from django.apps import AppConfig


class InsightsConfig(AppConfig):
    name = "services.insights"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from portal.shell import registry

        registry.nav.add(registry.NavItem("insights", "Insights", "chart-dots", "insights:overview", 80))
