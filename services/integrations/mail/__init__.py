"""Mail that goes out, by SMTP."""

from services.integrations.mail.smtp import Mail, send

__all__ = ["Mail", "send"]
