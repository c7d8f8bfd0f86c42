from django.apps import AppConfig


class EffectsConfig(AppConfig):
    name = "services.effects"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from services.effects import pages, signs

        pages.register()
        signs.register()
