from django.apps import AppConfig


class HelpdeskConfig(AppConfig):
    name = "services.helpdesk"
    default_auto_field = "django.db.models.BigAutoField"
