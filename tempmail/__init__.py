"""A whole temporary-mail service in one twistd plugin."""

__version__ = "0.1.0"
