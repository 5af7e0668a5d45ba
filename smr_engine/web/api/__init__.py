"""The JSON API: the nouns and verbs of the command line, in the same words, below `/api/v1`."""

from smr_engine.web.api.description import router

__all__ = ["router"]
