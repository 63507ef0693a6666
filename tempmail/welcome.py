"""What an operator reads when the daemon has started: where it listens and what to try."""

from __future__ import annotations

from collections.abc import Sequence

_TRY = """\
Try it in another terminal:

  1. create a mailbox
     MAILBOX=$(curl -s -X POST http://{http}/api/v1/mailboxes); echo "$MAILBOX"
     ADDRESS=$(echo "$MAILBOX" | sed 's/.*"address":"\\([^"]*\\).*/\\1/')
     TOKEN=$(echo "$MAILBOX" | sed 's/.*"session_token":"\\([^"]*\\).*/\\1/')
  2. send it a mail
     printf 'Subject: Hello\\r\\n\\r\\nYour code is 4711.\\r\\n' |
       curl -s smtp://{smtp} --mail-from me@example.org --mail-rcpt "$ADDRESS" --upload-file -
  3. read it
     curl -s -H "Authorization: Bearer $TOKEN" \\
       http://{http}/api/v1/mailboxes/$ADDRESS/messages/latest
"""


def welcome(
    smtp: Sequence[str],
    http: Sequence[str],
    metrics: Sequence[str],
    domains: Sequence[str],
    storage: str,
) -> str:
    """A page of plain text.

    :param smtp, http, metrics: ``host:port`` of each open port.
    :param domains: those that mail is taken for.
    :param storage: where mail is kept, in words.
    """
    rows = [
        ("receiving mail", ", ".join(f"smtp://{place}" for place in smtp)),
        ("for", ", ".join(domains)),
        ("API", ", ".join(f"http://{place}/api/v1" for place in http)),
        ("WebSocket", ", ".join(f"ws://{place}/ws/inbox/ADDRESS?token=TOKEN" for place in http)),
        ("metrics", ", ".join(f"http://{place}/metrics" for place in metrics) or "off (--metrics)"),
        ("storage", storage),
    ]
    lines = ["", "tempmail is ready.", ""]
    lines += [f"  {name:<15} {value}" for name, value in rows]
    if smtp and http:
        lines += ["", _TRY.format(smtp=_reachable(smtp[0]), http=_reachable(http[0]))]
    return "\n".join(lines)


def _reachable(place: str) -> str:
    """An address that listens everywhere is reached on this machine's own."""
    return place.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:")
