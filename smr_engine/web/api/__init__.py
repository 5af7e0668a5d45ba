"""The JSON API (`/api/v1`): the nouns and verbs of the command line."""
