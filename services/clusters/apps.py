from django.apps import AppConfig


class ClustersConfig(AppConfig):
    name = "services.clusters"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from services.clusters import pages, signs, tasks  # noqa: F401  # tasks register their handlers

        pages.register()
        signs.register()
