"""What doors read: cases, histories, inboxes, items and documents, as frozen views."""

from __future__ import annotations

from smr_engine.services.reading_cases import case_list, case_view
from smr_engine.services.reading_inbox import inbox
from smr_engine.services.reading_items import item_view
from smr_engine.services.reading_log import timeline
from smr_engine.services.reading_texts import document

__all__ = ["case_list", "case_view", "document", "inbox", "item_view", "timeline"]
