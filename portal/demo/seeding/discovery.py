"""What runs in the cluster and nobody wrote down: a source whose first plan waits for the platform team."""

from django.utils import timezone

from portal.demo import company
from services.accounts.models import User
from services.catalog import actions
from services.catalog.actions import steering
from services.catalog.models import Source
from services.catalog.sources import clusters


def seed() -> str:
    if Source.objects.filter(kind=Source.Kind.CLUSTER).exists():
        return "what runs is looked at"
    priya = User.objects.get(username="priya")
    source = steering.set_cluster(source=None, cluster=company.CLUSTER, namespaces=[], options={}, by=priya)
    fetched = clusters.reach(source)
    began = timezone.now()
    actions.took(source=source, fetched=fetched, head=fetched.digest, trigger="sweep", began=began)
    return f"what runs in {company.CLUSTER}, {source.runs.get().counts['new']} things of it undescribed"
