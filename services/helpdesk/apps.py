from django.apps import AppConfig
from django.db.models.signals import post_migrate


class HelpdeskConfig(AppConfig):
    name = "services.helpdesk"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from services.helpdesk import categories, deeds, pages, tasks  # noqa: F401  # tasks register their handlers

        post_migrate.connect(categories.plant, sender=self)
        post_migrate.connect(categories.plant_promises, sender=self)
        pages.register()
        deeds.register()
