"""Migrations of the tables, run in code (see `smr_engine.storage.migrate`)."""
