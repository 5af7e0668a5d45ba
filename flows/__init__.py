"""Prefect's side of the house: when, where and how often things run. Names only, never content."""
