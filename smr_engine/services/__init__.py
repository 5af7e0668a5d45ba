"""Use cases as verbs, the ports they need, and the views they return."""
