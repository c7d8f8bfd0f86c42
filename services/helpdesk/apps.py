from django.apps import AppConfig
from django.db.models.signals import post_migrate


class HelpdeskConfig(AppConfig):
    name = "services.helpdesk"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from services.helpdesk import categories, deeds, pages

        post_migrate.connect(categories.plant, sender=self)
        pages.register()
        deeds.register()
