"""Pages of requests, one module per page; `urls` takes them from here."""

from services.onboarding.views.change import service_change
from services.onboarding.views.changes import proposal_detail
from services.onboarding.views.comparing import parity_detail, parity_list
from services.onboarding.views.decisions import (
    request_approve,
    request_close,
    request_comment,
    request_discard,
    request_fix,
    request_merge,
    request_reject,
    request_restore,
    request_retry,
    request_withdraw,
)
from services.onboarding.views.drifting import drift_detail, drift_list, drift_settle
from services.onboarding.views.exemptions import (
    exemption_detail,
    exemption_file,
    exemption_list,
    exemption_new,
    exemption_step,
)
from services.onboarding.views.new import blueprint_list, request_edit, request_new
from services.onboarding.views.playground import playground, playground_rehearsal
from services.onboarding.views.promoting import service_promote
from services.onboarding.views.readiness import readiness_report
from services.onboarding.views.requests import request_detail, request_list
from services.onboarding.views.retiring import request_bring_back, request_revert, service_retire
from services.onboarding.views.upgrading import (
    service_upgrade,
    upgrade_again,
    upgrade_list,
    upgrade_propose,
    upgrade_round,
)

__all__ = [
    "blueprint_list",
    "drift_detail",
    "drift_list",
    "drift_settle",
    "exemption_detail",
    "exemption_file",
    "exemption_list",
    "exemption_new",
    "exemption_step",
    "parity_detail",
    "parity_list",
    "playground",
    "playground_rehearsal",
    "proposal_detail",
    "readiness_report",
    "request_approve",
    "request_bring_back",
    "request_close",
    "request_comment",
    "request_detail",
    "request_discard",
    "request_edit",
    "request_fix",
    "request_list",
    "request_merge",
    "request_new",
    "request_reject",
    "request_restore",
    "request_retry",
    "request_revert",
    "request_withdraw",
    "service_change",
    "service_promote",
    "service_retire",
    "service_upgrade",
    "upgrade_again",
    "upgrade_list",
    "upgrade_propose",
    "upgrade_round",
]
