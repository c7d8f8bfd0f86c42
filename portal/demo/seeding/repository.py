"""The deploy repository, once; a folder whose rows are gone (a new database) is made anew."""

import shutil
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from portal.demo import company
from portal.demo.history import repository
from portal.demo.history.plan import every_request
from portal.demo.history.times import all_times
from services.integrations.githosts.local import LocalHost
from services.integrations.models import Repository


@transaction.atomic
def seed(now: datetime) -> str:
    folder = Path(settings.GIT_ROOT) / f"{company.REPOSITORY}.git"
    if Repository.objects.filter(slug=company.REPOSITORY).exists() and folder.is_dir():
        return f"the repository {company.REPOSITORY} is there"
    shutil.rmtree(folder, ignore_errors=True)
    repository.write(LocalHost(), now, all_times(now))
    with (
        connection.cursor() as cursor
    ):  # branches are named after requests: no later one may find its own there
        cursor.execute("SELECT setval('onboarding_request_number', %s)", [max(every_request())])
    return f"the repository {company.REPOSITORY} with its past"
