"""Limits for tests, which must not hang on how fast the machine is at the moment."""

from __future__ import annotations

from tempmail.workers.worker import Limits

UNHURRIED = Limits(cpu_seconds=20, wall_seconds=100)
"""Time for whatever grows no faster than its mail; what grows faster takes minutes and hours."""

BY_PROCESSOR = Limits(wall_seconds=100)
"""Processor time alone ends what takes too long, as on a machine that is not busy."""
