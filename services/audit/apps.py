from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "services.audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from services.audit import checks, pages  # noqa: F401  # checks register themselves

        pages.register()
