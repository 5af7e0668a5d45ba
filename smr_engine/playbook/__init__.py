"""The playbook language: model, parsing, checks, expressions, diagram."""
