import os

from django.core.wsgi import get_wsgi_application

import portal.celery  # noqa: F401  # tasks find their broker through it

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()
