"""Every reply of the SMTP edge, made once, with its enhanced status code (RFC 3463).

The greeting, any reply to EHLO and HELO, and 354 carry no enhanced code (RFC 2034 section 4).
"""

from __future__ import annotations

from attrs import frozen


@frozen
class Refusal:
    """A command or message that is turned away.

    :ivar reply: the whole reply line.
    :ivar reason: one word for the metric and the log.
    """

    reply: bytes
    reason: str

    @property
    def permanent(self) -> bool:
        return self.reply.startswith(b"5")

    @property
    def code(self) -> str:
        return self.reply[:3].decode("ascii")


OK = b"250 2.0.0 Ok: taken\r\n"
SENDER_OK = b"250 2.1.0 Sender ok\r\n"
RECIPIENT_OK = b"250 2.1.5 Recipient ok\r\n"
START_MAIL_INPUT = b"354 End data with <CR><LF>.<CR><LF>\r\n"
KEPT = b"250 2.0.0 Ok: taken\r\n"
READY_FOR_TLS = b"220 2.0.0 Ready to start TLS\r\n"
CANNOT_VERIFY = b"252 2.5.2 Cannot verify the user; try to send\r\n"
CLOSING = b"221 2.0.0 Bye\r\n"
HELP = (
    b"214-2.0.0 This host receives mail for temporary mailboxes (RFC 5321).\r\n"
    b"214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP BDAT STARTTLS QUIT\r\n"
)

# Commands.
UNRECOGNIZED = Refusal(b"500 5.5.2 Command unrecognized\r\n", "unrecognized")
MALFORMED_LINE = Refusal(
    b"500 5.5.2 A command is one line without NUL, ended by CR LF and by nothing else\r\n",
    "malformed_line",
)
LINE_TOO_LONG = Refusal(b"500 5.5.2 Line too long\r\n", "line_too_long")
BAD_ARGUMENT = Refusal(b"501 5.5.4 Syntax error in the argument\r\n", "bad_argument")
NO_ARGUMENT_ALLOWED = Refusal(b"501 5.5.4 This command takes no argument\r\n", "bad_argument")
NAME_NEEDED = Refusal(b"501 Say your domain name or address literal\r\n", "bad_argument")
BAD_CHUNK = Refusal(
    b"501 5.5.4 Say BDAT, a size in octets, and LAST or nothing\r\n", "bad_argument"
)
NOT_IMPLEMENTED = Refusal(b"502 5.5.1 Command not implemented\r\n", "not_implemented")
NOT_HTTP = Refusal(b"502 5.5.1 This is a mail server\r\n", "http")
HELLO_FIRST = Refusal(b"503 5.5.1 Say EHLO first\r\n", "out_of_order")
NESTED_MAIL = Refusal(b"503 5.5.1 A mail is begun already; RSET forgets it\r\n", "out_of_order")
MAIL_FIRST = Refusal(b"503 5.5.1 Say MAIL first\r\n", "out_of_order")
CONTENT_BEGUN = Refusal(b"503 5.5.1 Content is begun already; go on by BDAT\r\n", "out_of_order")
TLS_ALREADY = Refusal(b"503 5.5.1 TLS is active already\r\n", "out_of_order")
NO_RECIPIENTS = Refusal(b"554 5.5.1 No valid recipients\r\n", "out_of_order")

# Arguments of MAIL and RCPT.
BAD_SENDER = Refusal(b"501 5.1.7 Bad reverse-path\r\n", "bad_sender")
BAD_RECIPIENT = Refusal(b"501 5.1.3 Bad forward-path\r\n", "bad_recipient")
UNKNOWN_PARAMETER = Refusal(b"555 5.5.4 Parameter not recognized\r\n", "unknown_parameter")
SMTPUTF8_NEEDED = Refusal(
    b"553 5.6.7 An address beyond ASCII needs MAIL with SMTPUTF8\r\n", "smtputf8_needed"
)
RELAY_DENIED = Refusal(b"550 5.7.1 Relaying denied: not a domain of this host\r\n", "relay")
UNKNOWN_MAILBOX = Refusal(b"550 5.1.1 No such mailbox\r\n", "unknown_mailbox")
MAILBOX_FULL = Refusal(b"452 4.2.2 Mailbox full\r\n", "mailbox_full")
TOO_MANY_RECIPIENTS = Refusal(b"452 4.5.3 Too many recipients\r\n", "too_many_recipients")

# Messages.
TOO_LARGE = Refusal(b"552 5.3.4 Message too large\r\n", "too_large")
BARE_NEWLINE = Refusal(b"550 5.6.11 A CR or LF stands alone in the content\r\n", "bare_newline")
NO_ROOM = Refusal(b"452 4.3.1 Insufficient room now; try again later\r\n", "no_room")
UNAVAILABLE = Refusal(b"451 4.3.0 Temporarily unable to keep mail; try again later\r\n", "internal")

# Connections.
TOO_MANY_CONNECTIONS = Refusal(b"421 4.7.0 Too many connections\r\n", "too_many_connections")
TOO_MANY_ERRORS = Refusal(b"421 4.7.0 Too many errors\r\n", "too_many_errors")
TIMEOUT = Refusal(b"421 4.4.2 Too slow\r\n", "timeout")
SHUTTING_DOWN = Refusal(b"421 4.3.2 Shutting down\r\n", "shutting_down")


def chunk_read(size: int) -> bytes:
    """To a BDAT that is not the last (RFC 3030 section 2)."""
    return b"250 2.0.0 %d octets received\r\n" % size


def multiline(code: int, lines: list[str]) -> bytes:
    """One reply of several lines (RFC 5321 section 4.2.1)."""
    *first, last = lines
    text = [f"{code}-{line}\r\n" for line in first] + [f"{code} {last}\r\n"]
    return "".join(text).encode("ascii")
