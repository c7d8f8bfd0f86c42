from django.urls import path, register_converter

from services.helpdesk.views import (
    answers,
    asking,
    converting,
    duty,
    files,
    following,
    lists,
    mails,
    queue,
    settings,
    slack,
    steps,
    ticket,
    ties,
)


class TicketKey:
    """T-1001 in the address, 1001 in the view."""

    regex = "T-[0-9]{1,9}"

    def to_python(self, value: str) -> int:
        return int(value[2:])

    def to_url(self, value: int | str) -> str:
        return str(value) if str(value).startswith("T-") else f"T-{value}"


register_converter(TicketKey, "ticket")

app_name = "helpdesk"
urlpatterns = [
    path("help/", lists.ticket_list, name="ticket_list"),
    path("help/ask/", asking.ticket_new, name="ticket_new"),
    path("help/ask/similar/", asking.ticket_similar, name="ticket_similar"),
    path("help/ask/questions/", asking.ticket_asks, name="ticket_asks"),
    path("help/ask/live/", asking.ticket_live, name="ticket_live"),
    path("help/markdown/", asking.markdown_preview, name="markdown_preview"),
    path("help/mails/", mails.mail_list, name="mail_list"),
    path("help/mails/<int:pk>/original/", mails.mail_original, name="mail_original"),
    path("help/mails/<int:pk>/ticket/", mails.mail_ticket, name="mail_ticket"),
    path("help/mails/<int:pk>/files/<int:number>/", mails.mail_file, name="mail_file"),
    path("hooks/mail/", mails.mail_hook, name="mail_hook"),
    path("help/slack/", slack.slack_list, name="slack_list"),
    path("help/slack/check/", slack.slack_check, name="slack_check"),
    path("help/slack/manifest/", slack.slack_manifest, name="slack_manifest"),
    path("help/slack/retry/<int:pk>/", slack.slack_retry, name="slack_retry"),
    path("hooks/slack/events/", slack.slack_events, name="slack_events"),
    path("hooks/slack/commands/", slack.slack_commands, name="slack_commands"),
    path("hooks/slack/actions/", slack.slack_actions, name="slack_actions"),
    path("help/answers/", answers.answer_list, name="answer_list"),
    path("help/answers/<int:pk>/", answers.answer_detail, name="answer_detail"),
    path("help/answers/<int:pk>/vote/", answers.answer_vote, name="answer_vote"),
    path("help/queue/", queue.queue, name="queue"),
    path("help/queue/bulk/", queue.queue_bulk, name="queue_bulk"),
    path("help/queue/undo/<int:pk>/", queue.queue_undo, name="queue_undo"),
    path("help/desk/", settings.desk, name="desk"),
    path("help/desk/<slug:kind>/new/", settings.setting_new, name="setting_new"),
    path("help/desk/<slug:kind>/<int:pk>/", settings.setting_edit, name="setting_edit"),
    path("help/desk/<slug:kind>/<int:pk>/remove/", settings.setting_remove, name="setting_remove"),
    path("help/rota/", duty.rota, name="rota"),
    path("help/rota/save/", duty.rota_save, name="rota_save"),
    path("help/rota/stand-in/", duty.rota_change, name="rota_change"),
    path("help/rota/swap/", duty.rota_swap, name="rota_swap"),
    path("help/rota/hand-over/", duty.rota_hand_over, name="rota_hand_over"),
    path("help/rota/changes/<int:pk>/undo/", duty.rota_undo, name="rota_undo"),
    path("help/<ticket:number>/", ticket.ticket_detail, name="ticket_detail"),
    path("help/<ticket:number>/thread/", ticket.ticket_thread, name="ticket_thread"),
    path("help/<ticket:number>/now/", ticket.ticket_now, name="ticket_now"),
    path("help/<ticket:number>/preview/", queue.ticket_preview, name="ticket_preview"),
    path("help/<ticket:number>/snapshot/", ticket.ticket_snapshot, name="ticket_snapshot"),
    path("help/<ticket:number>/files/<int:pk>/", files.ticket_file, name="ticket_file"),
    path("help/<ticket:number>/reply/", steps.ticket_reply, name="ticket_reply"),
    path("help/<ticket:number>/state/", steps.ticket_state, name="ticket_state"),
    path("help/<ticket:number>/assign/", steps.ticket_assign, name="ticket_assign"),
    path("help/<ticket:number>/sort/", steps.ticket_sort, name="ticket_sort"),
    path("help/<ticket:number>/macro/", steps.ticket_macro, name="ticket_macro"),
    path("help/<ticket:number>/canned/<int:pk>/", ticket.ticket_canned, name="ticket_canned"),
    path("help/<ticket:number>/take-back/", steps.ticket_take_back, name="ticket_take_back"),
    path("help/<ticket:number>/merge/", ties.ticket_merge, name="ticket_merge"),
    path("help/<ticket:number>/split/", ties.ticket_split, name="ticket_split"),
    path("help/<ticket:number>/link/", ties.ticket_link, name="ticket_link"),
    path("help/<ticket:number>/problem/", ties.ticket_problem, name="ticket_problem"),
    path("help/<ticket:number>/problem/answer/", ties.problem_answer, name="problem_answer"),
    path("help/<ticket:number>/me-too/", following.ticket_me_too, name="ticket_me_too"),
    path("help/<ticket:number>/nudge/", following.ticket_nudge, name="ticket_nudge"),
    path("help/<ticket:number>/call-in/", following.ticket_call_in, name="ticket_call_in"),
    path("help/<ticket:number>/presence/", following.ticket_presence, name="ticket_presence"),
    path("help/<ticket:number>/call-back/<int:pk>/", following.reply_call_back, name="reply_call_back"),
    path("help/<ticket:number>/send-now/<int:pk>/", following.reply_send_now, name="reply_send_now"),
    path("help/<ticket:number>/convert/", converting.ticket_convert, name="ticket_convert"),
    path("help/<ticket:number>/watch/", steps.ticket_watch, name="ticket_watch"),
]
