"""Larkfield, a shop that exists only here: its people, its services and what runs where.

Everything is read from the files beside this one; nothing here knows the database.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
REGISTRY = "registry.larkfield.shop"
REPOSITORY = "shop/deploy"
CLUSTER = "harbour"


@dataclass(frozen=True)
class Place:
    """An environment: where a service runs."""

    name: str
    title: str
    namespace: str
    zone: str
    is_production: bool
    cpu_price: float
    memory_price: float

    @property
    def settings(self) -> dict[str, Any]:
        """What forms and guardrails know of it; prices are for a core and a GiB a month."""
        return {
            "registry": REGISTRY,
            "registries": [REGISTRY],
            "public_domain": self.zone,
            "domain": self.zone.replace("larkfield.shop", "larkfield.internal"),
            "ingress_class": "public",
            "prices": {
                "cpu": self.cpu_price,
                "memory": self.memory_price,
                "storage": 0.12,
                "currency": "EUR",
            },
            "time_zone": "Europe/Stockholm",
            "machine_domain": f"vm.{self.name}.larkfield.internal",
            "secret_store": {"name": "vault", "path": f"shop/{self.name}"},
            "preview_secrets": {"name": "vault", "path": "shop/previews"},
            "backups": {"destination": f"s3://larkfield-{self.name}-backups"},
            "monitors": {"release": "prometheus"},
            "dashboards": {"dashboards": "larkfield"},
            "rabbitmq": {"name": "shop-queue", "vhost": "/"},
            "machine_network": "10.71.0.0/16" if self.is_production else "10.70.0.0/16",
            "networks": [{"name": "harbour pods", "cidr": "10.40.0.0/14"}],
            **{f"{kind}_module": _module(kind) for kind in ("database", "cache", "bucket")},
        }


def _module(kind: str) -> dict[str, str]:
    """What the pipeline for machines makes one with."""
    return {"source": f"git::https://git.larkfield.shop/platform/{kind}", "version": "v2.4.0"}


STAGING = Place("staging", "Staging", "shop-staging", "staging.larkfield.shop", False, 25.0, 3.2)
PRODUCTION = Place("production", "Production", "shop", "larkfield.shop", True, 50.0, 6.4)
PLACES = (STAGING, PRODUCTION)


@dataclass(frozen=True)
class Colleague:
    username: str
    name: str
    job_title: str
    team: str = ""
    is_lead: bool = False

    @property
    def email(self) -> str:
        return f"{self.username}@larkfield.shop"


COLLEAGUES = (
    Colleague("mira", "Mira Lindqvist", "Product developer", "checkout"),
    Colleague("sam", "Sam Okafor", "Team lead", "checkout", is_lead=True),
    Colleague("noah", "Noah Bergström", "Product developer", "checkout"),
    Colleague("jonas", "Jonas Weber", "Product developer", "discovery"),
    Colleague("lena", "Lena Hoffmann", "Team lead", "discovery", is_lead=True),
    Colleague("amir", "Amir Haddad", "Product developer", "discovery"),
    Colleague("felix", "Felix Brandt", "Product developer", "discovery"),
    Colleague("david", "David Osei", "Team lead", "payments", is_lead=True),
    Colleague("ines", "Inês Castro", "Product developer", "payments"),
    Colleague("yuki", "Yuki Tanaka", "Product developer", "payments"),
    Colleague("marta", "Marta Kowalska", "Team lead", "fulfilment", is_lead=True),
    Colleague("paul", "Paul Girard", "Product developer", "fulfilment"),
    Colleague("aisha", "Aisha Rahman", "Product developer", "fulfilment"),
    Colleague("priya", "Priya Raman", "Platform engineer", "platform", is_lead=True),
    Colleague("tomas", "Tomás Ferreira", "Platform engineer", "platform"),
    Colleague("ella", "Ella Nyström", "Platform engineer", "platform"),
    Colleague("hanna", "Hanna Vogel", "Engineering manager"),
)
TEAMS = {
    "checkout": "Checkout",
    "discovery": "Discovery",
    "payments": "Payments",
    "fulfilment": "Fulfilment",
    "platform": "Platform",
}
# Who can be chosen on the page of people to become, in this order.
TO_BECOME = ("mira", "jonas", "sam", "priya", "hanna")


@cache
def workloads() -> dict[str, dict[str, Any]]:
    """What runs, by service name; see the head of `workloads.yaml` for the keys."""
    return dict(yaml.safe_load((FOLDER / "workloads.yaml").read_text()))


@cache
def wanted() -> dict[str, dict[str, Any]]:
    """Services that somebody has asked for and that do not run yet."""
    return dict(yaml.safe_load((FOLDER / "wanted.yaml").read_text()))


def entry_of(service: str) -> dict[str, Any]:
    return dict(workloads().get(service) or wanted()[service])


@cache
def descriptors() -> dict[str, str]:
    """The catalog files by name, as they stand in the repository's `catalog/` folder."""
    return {path.name: path.read_text() for path in sorted((FOLDER / "catalog").glob("*.yaml"))}


@cache
def docs() -> dict[str, str]:
    """The docs of services, as they stand in the repository's `docs/` folder."""
    files = sorted(path for path in (FOLDER / "docs").rglob("*") if path.is_file())
    return {path.relative_to(FOLDER).as_posix(): path.read_text() for path in files}


def by_hand() -> list[dict[str, Any]]:
    """What runs and stands in no repository."""
    return list(yaml.safe_load_all((FOLDER / "byhand.yaml").read_text()))


def shared_manifests(place: Place) -> dict[str, list[dict[str, Any]]]:
    """Objects that are not one service's deployment: the queue, a cache, a cron job, a log shipper."""
    return {
        path.stem: list(yaml.safe_load_all(path.read_text().replace("NAMESPACE", place.namespace)))
        for path in sorted((FOLDER / "shared").glob("*.yaml"))
    }
