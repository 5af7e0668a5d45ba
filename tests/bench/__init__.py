"""`make bench`: what the engine takes, beside a bare SQLAlchemy transaction in the same run."""
