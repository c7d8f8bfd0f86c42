from django.apps import AppConfig


class OnboardingConfig(AppConfig):
    name = "services.onboarding"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Registers the effect handlers and what the pages show, and listens to the clusters."""
        from services.clusters.signals import workload_changed
        from services.integrations.signals import proposal_changed

        from . import checks, deeds, pages, rounds, signs, tasks  # noqa: F401  # checks register themselves

        workload_changed.connect(tasks.on_workload_changed, dispatch_uid="onboarding.rollouts")
        proposal_changed.connect(tasks.on_proposal_changed, dispatch_uid="onboarding.proposals")
        pages.register()
        signs.register()
        deeds.register()
