from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "services.integrations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import pages

        pages.register()
