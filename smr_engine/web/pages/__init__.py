"""Pages for people: one file per noun; each handler parses, calls one service, renders one view."""

from smr_engine.web.pages import inbox

PAGES = (inbox.router,)
