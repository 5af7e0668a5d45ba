"""The audit trail as bytes: leaves, their hashes, and the chain of each stream. Pure."""
