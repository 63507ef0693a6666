"""Checks messages that Amazon SNS really signed, kept somewhere outside the project.

    .venv/bin/python -m tests.bench.sns_messages FOLDER

``FOLDER/real`` has their bodies, ``FOLDER/certs`` the certificates by their own file names.  Each
is checked as on the day that it was sent: by then its certificate has often expired.  A last column
says how long a check takes once the certificate is known.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tempmail.model.errors import TempmailError
from tempmail.ses.certificates import check_url, signing_key
from tempmail.ses.notices import read
from tempmail.ses.signatures import check
from tempmail.ses.topics import topic

_TIMES = 200


def verdict(body: bytes, certificates: Path) -> str:
    """What we say of one message, and of the same with its text changed."""
    try:
        notice = read(body)
        of = topic(notice.topic)
        check_url(notice.certificate_url, of)
        pem = (certificates / notice.certificate_url.rpartition("/")[2]).read_bytes()
        try:
            key, _ = signing_key(pem, of, notice.sent.timestamp())
        except TempmailError as error:
            return f"certificate: {error.detail}"
        check(notice, key)
    except TempmailError as error:
        return f"{error.code}: {error.detail}"
    changed = {**json.loads(body), "Message": notice.message + " "}
    try:
        check(read(json.dumps(changed).encode()), key)
    except TempmailError:
        began = time.perf_counter()
        for _ in range(_TIMES):
            check(read(body), key)
        micros = (time.perf_counter() - began) / _TIMES * 1e6
        return f"good, version {notice.version}, {notice.kind}, {micros:.0f} us"
    return "GOOD THOUGH CHANGED"


def main(folder: Path) -> int:
    """:returns: how many were not good."""
    bad = 0
    for file in sorted(folder.joinpath("real").glob("*.json")):
        said = verdict(file.read_bytes(), folder / "certs")
        bad += not said.startswith("good")
        print(f"{file.name:50} {said}")
    return bad


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
