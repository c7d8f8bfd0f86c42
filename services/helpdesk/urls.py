from django.urls import path, register_converter

from services.helpdesk.views import asking, lists, queue, steps, ticket


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
    path("help/ask/live/", asking.ticket_live, name="ticket_live"),
    path("help/markdown/", asking.markdown_preview, name="markdown_preview"),
    path("help/queue/", queue.queue, name="queue"),
    path("help/queue/bulk/", queue.queue_bulk, name="queue_bulk"),
    path("help/<ticket:number>/", ticket.ticket_detail, name="ticket_detail"),
    path("help/<ticket:number>/thread/", ticket.ticket_thread, name="ticket_thread"),
    path("help/<ticket:number>/now/", ticket.ticket_now, name="ticket_now"),
    path("help/<ticket:number>/preview/", queue.ticket_preview, name="ticket_preview"),
    path("help/<ticket:number>/snapshot/", ticket.ticket_snapshot, name="ticket_snapshot"),
    path("help/<ticket:number>/reply/", steps.ticket_reply, name="ticket_reply"),
    path("help/<ticket:number>/state/", steps.ticket_state, name="ticket_state"),
    path("help/<ticket:number>/assign/", steps.ticket_assign, name="ticket_assign"),
    path("help/<ticket:number>/sort/", steps.ticket_sort, name="ticket_sort"),
    path("help/<ticket:number>/watch/", steps.ticket_watch, name="ticket_watch"),
]
