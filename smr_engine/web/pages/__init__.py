"""Pages for people: one file per noun; each handler parses, calls one service, renders one view."""

from smr_engine.web.pages import (
    attachments,
    audit,
    cases,
    inbox,
    items,
    people,
    playbooks,
    schedules,
    signing,
    situation,
    system,
)

PAGES = (
    situation.router,
    inbox.router,
    cases.router,
    items.router,
    attachments.router,
    playbooks.router,
    schedules.router,
    audit.router,
    system.router,
    signing.router,
    people.router,
)
