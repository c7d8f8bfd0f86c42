from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "services.audit"
    default_auto_field = "django.db.models.BigAutoField"
