"""Pushing events to clients that stay connected."""
