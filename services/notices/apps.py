from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "services.notices"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from services.notices import pages, tasks  # noqa: F401  # tasks register their handler

        pages.register()
