"""The pages on which people decide, and the JSON API beside them: a door, nothing more."""
