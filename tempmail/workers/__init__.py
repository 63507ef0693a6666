"""Killable processes in which mail is parsed."""
