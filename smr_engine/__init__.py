"""The SMR engine: declarative response playbooks for social media relations."""

__version__ = "0.1.0"
