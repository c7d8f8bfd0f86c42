"""What beat rings, and how often."""

from celery.schedules import schedule

SCHEDULE = {
    "catalog.tidy": {"task": "catalog.tidy", "schedule": schedule(3600), "options": {"expires": 3600}},
    "catalog.owners": {"task": "catalog.owners", "schedule": schedule(60), "options": {"expires": 60}},
    "catalog.owners_again": {
        "task": "catalog.owners_again",
        "schedule": schedule(6 * 3600),
        "options": {"expires": 3600},
    },
    "catalog.sweep": {"task": "catalog.sweep", "schedule": schedule(30), "options": {"expires": 60}},
    "catalog.fold": {"task": "catalog.fold", "schedule": schedule(60), "options": {"expires": 60}},
    "catalog.evidence": {"task": "catalog.evidence", "schedule": schedule(300), "options": {"expires": 300}},
    "audit.verify": {"task": "audit.verify", "schedule": schedule(600), "options": {"expires": 600}},
    "helpdesk.settle": {"task": "helpdesk.settle", "schedule": schedule(600), "options": {"expires": 600}},
    "helpdesk.clocks": {"task": "helpdesk.clocks", "schedule": schedule(30), "options": {"expires": 30}},
    "helpdesk.fetch_mail": {
        "task": "helpdesk.fetch_mail",
        "schedule": schedule(60),
        "options": {"expires": 60},
    },
    "helpdesk.slack_look": {
        "task": "helpdesk.slack_look",
        "schedule": schedule(300),
        "options": {"expires": 300},
    },
    "helpdesk.slack_sweep": {
        "task": "helpdesk.slack_sweep",
        "schedule": schedule(120),
        "options": {"expires": 120},
    },
    "notices.forget": {"task": "notices.forget", "schedule": schedule(3600), "options": {"expires": 3600}},
    "effects.sweep": {"task": "effects.sweep", "schedule": schedule(10), "options": {"expires": 20}},
    "onboarding.remind": {
        "task": "onboarding.remind",
        "schedule": schedule(600),
        "options": {"expires": 600},
    },
    "onboarding.readiness": {
        "task": "onboarding.readiness",
        "schedule": schedule(900),
        "options": {"expires": 900},
    },
    "onboarding.parity": {
        "task": "onboarding.parity",
        "schedule": schedule(120),
        "options": {"expires": 120},
    },
    "onboarding.drift": {"task": "onboarding.drift", "schedule": schedule(60), "options": {"expires": 60}},
    "onboarding.end": {"task": "onboarding.end", "schedule": schedule(3600), "options": {"expires": 3600}},
    "previews.tend": {"task": "previews.tend", "schedule": schedule(60), "options": {"expires": 60}},
    "onboarding.reconcile": {
        "task": "onboarding.reconcile",
        "schedule": schedule(15),
        "options": {"expires": 30},
    },
}
