"""News for the apps above. `proposal_changed` says that something may have changed at a git host:
`provider` and `repo` always, `number` or `branch` where the news is of one pull request (else 0 and "")."""

from django.dispatch import Signal

proposal_changed = Signal()
