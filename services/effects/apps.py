from django.apps import AppConfig


class EffectsConfig(AppConfig):
    name = "services.effects"
    default_auto_field = "django.db.models.BigAutoField"
