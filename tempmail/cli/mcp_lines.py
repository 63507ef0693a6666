"""Standard input and output as lines, for a relay that must not stop for either."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from threading import Thread

MOST_LINE = 1024 * 1024
"""Bytes of a message from the agent; the server takes fewer."""

_CHUNK = 64 * 1024
_CHUNKS_WAITING = 16


def run(relay: Callable[[AsyncIterator[bytes | None]], Awaitable[None]]) -> None:
    """Run ``relay`` over the lines of standard input until it ends, or somebody ends us.

    :param relay: is given lines; None for one that was too long.
    """

    async def until_ended() -> None:
        loop = asyncio.get_running_loop()
        work = asyncio.ensure_future(relay(_lines(loop)))
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, work.cancel)
        with suppress(asyncio.CancelledError, BrokenPipeError):
            await work

    asyncio.run(until_ended())


def write(line: bytes) -> None:
    """One line to standard output."""
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


async def _lines(loop: asyncio.AbstractEventLoop) -> AsyncIterator[bytes | None]:
    """Standard input's, whatever it is; read in a thread, for a file cannot be waited for."""
    chunks: asyncio.Queue[bytes] = asyncio.Queue()
    room = asyncio.Semaphore(_CHUNKS_WAITING)

    def read() -> None:
        while True:
            try:
                chunk = os.read(0, _CHUNK)
                asyncio.run_coroutine_threadsafe(room.acquire(), loop).result()
                loop.call_soon_threadsafe(chunks.put_nowait, chunk)
            except (OSError, RuntimeError):  # it was closed, or we are ending
                return
            if not chunk:
                return

    Thread(target=read, daemon=True).start()
    line, too_long = b"", False
    while chunk := await chunks.get():
        room.release()
        *whole, rest = chunk.split(b"\n")
        for one in whole:
            yield None if too_long or len(line) + len(one) > MOST_LINE else line + one
            line, too_long = b"", False
        line += rest
        if len(line) > MOST_LINE:
            line, too_long = b"", True
    if line or too_long:
        yield None if too_long else line
