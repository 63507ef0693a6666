"""Score and speed of MIME parsers on a folder of mails with what is known of them.

``python -m tests.bench.parsers.compare CORPUS [-v]`` prints a table.  CORPUS holds
``mime/expect.jsonl`` and ``mime_check.py``, whose ``wire`` and ``compare`` are used.  Each
candidate runs in a process of its own: some of them end it.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.parsers.candidates import CANDIDATES, Parser

_ROUNDS = 15
_RUN_SECONDS = 300


def main(arguments: list[str]) -> None:
    """Print one row for each candidate, or with ``--candidate NAME`` its figures as JSON."""
    corpus = Path(arguments[0])
    if "--candidate" in arguments:
        print(json.dumps(_measured(corpus, arguments[arguments.index("--candidate") + 1])))
        return
    print("| parser | tier A | tier B | raised, of all mails | 2 KB (us) | 50 KB (us) |")
    print("|---|---|---|---|---|---|")
    for name in CANDIDATES:
        figures = _in_a_process(corpus, name)
        if isinstance(figures, str):
            print(f"| {name} | {figures} |||||")
            continue
        print(
            f"| {name} | {figures['A']} | {figures['B']} | {figures['raised']}"
            f" | {figures['small']:.0f} | {figures['large']:.0f} |"
        )
        if "-v" in arguments:
            for miss in figures["misses"]:
                print("   ", *miss)


def _in_a_process(corpus: Path, name: str) -> Any:
    command = [sys.executable, "-m", __spec__.name, str(corpus), "--candidate", name]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_RUN_SECONDS, check=True)
    except subprocess.TimeoutExpired:
        return "did not end"
    except subprocess.CalledProcessError as why:
        lines = why.stderr.decode(errors="replace").strip().splitlines()
        return f"ended with {why.returncode}: {lines[-1] if lines else ''}"
    return json.loads(done.stdout.splitlines()[-1])


def _measured(corpus: Path, name: str) -> dict[str, Any]:
    parser = CANDIDATES[name]()
    check = _checker(corpus)
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    misses = []
    for line in (corpus / "mime" / "expect.jsonl").read_text().splitlines():
        expected = json.loads(line)
        tier = expected["tier"]
        raw, _ = check.wire((corpus / "mime" / expected["file"]).read_bytes())
        read = _read(parser, raw) or {"from": "", "subject": "", "text": "", "html": "", "atts": []}
        for field, correct, detail, unscored in check.compare(expected, read):
            if not unscored:
                right[tier] += bool(correct)
                total[tier] += 1
                if not correct:
                    misses.append((expected["file"], field, *map(repr, detail)))
    mails = [path for path in sorted((corpus / "mime").rglob("*")) if path.is_file()]
    raised = sum(_read(parser, path.read_bytes()) is None for path in mails)
    return {
        "A": f"{right['A']}/{total['A']}",
        "B": f"{right['B']}/{total['B']}",
        "raised": f"{raised}/{len(mails)}",
        "small": _microseconds(parser, _mail(2_000)),
        "large": _microseconds(parser, _mail(50_000)),
        "misses": misses,
    }


def _read(parser: Parser, raw: bytes) -> dict[str, Any] | None:
    try:
        return parser(raw)
    except Exception:
        return None


def _checker(corpus: Path) -> Any:
    spec = importlib.util.spec_from_file_location("mime_check", corpus / "mime_check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _mail(size: int) -> bytes:
    """A confirmation mail with text, HTML and, when larger than 10 KB, half of it a picture."""
    received = (
        b"Received: from a.example by b.example with ESMTPS id 1; Thu, 20 Nov 2025\r\n 10:00:00"
    )
    picture = base64.encodebytes(bytes(range(256)) * (size * 3 // 8 // 256)).replace(b"\n", b"\r\n")
    line = b"Please confirm your address; the code is 123456. Gr=C3=BC=C3=9Fe.\r\n"
    lines = line * max(1, (size // 2 - 400) // (2 * len(line)))
    parts = [
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + lines,
        b"Content-Type: text/html; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>" + lines + b"</p>\r\n",
    ]
    if size > 10_000:
        parts.append(
            b'Content-Type: image/png; name="logo.png"\r\n'
            b"Content-Transfer-Encoding: base64\r\n\r\n" + picture
        )
    return (
        (received + b" +0000\r\n")
        * 3
        + b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\nTo: box@example.com\r\n"
        b"Subject: =?utf-8?b?V2lsbGtvbW1lbiBHcsO8w59l?=\r\nMessage-ID: <1@example.org>\r\n"
        b"Date: Thu, 20 Nov 2025 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=frontier\r\n\r\n"
        + b"".join(b"--frontier\r\n" + part + b"\r\n" for part in parts)
        + b"--frontier--\r\n"
    )


def _microseconds(parser: Callable[[bytes], object], raw: bytes) -> float:
    """The median over rounds, of processor time."""
    repeats = max(1, 1_000_000 // len(raw) // 10)
    rounds = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        for _ in range(repeats):
            parser(raw)
        rounds.append((time.process_time() - started) / repeats * 1e6)
    return median(rounds)


if __name__ == "__main__":
    main(sys.argv[1:])
