"""Django's PostgreSQL backend with a stricter eye on sessions."""
