"""What beat rings, and how often."""

from celery.schedules import schedule

SCHEDULE = {
    "effects.sweep": {"task": "effects.sweep", "schedule": schedule(10), "options": {"expires": 20}},
}
