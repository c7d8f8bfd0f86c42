"""Print the guardrails as ValidatingAdmissionPolicy documents, to be applied to a cluster."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from services.manifests.emit import dump
from services.manifests.guardrails import export, shipped


class Command(BaseCommand):
    help = "Print every guardrail that Kubernetes can evaluate, with its bindings and settings, as YAML."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--namespace", default="slipway", help="where the settings live (slipway)")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(dump(export.documents(shipped(), options["namespace"])), ending="")
