from django.apps import AppConfig


class PreviewsConfig(AppConfig):
    name = "services.previews"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Registers the effect handlers and what the pages show, and listens to requests."""
        from services.catalog.signals import pull_told
        from services.onboarding.signals import moved

        from . import actions, pages, tasks  # noqa: F401  # tasks register their handlers

        moved.connect(actions.request_moved, dispatch_uid="previews.requests")
        pull_told.connect(actions.pull_told, dispatch_uid="previews.pulls")
        pages.register()
