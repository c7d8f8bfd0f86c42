from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "services.catalog"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from services.accounts.queries import beside_tokens
        from services.catalog import pages, tasks  # noqa: F401  # tasks register their handlers
        from services.catalog.finding import revisions

        pages.register()
        beside_tokens[revisions.NAME] = revisions.EXPRESSION
