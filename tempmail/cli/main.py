"""The command line of ``tempmail``: its commands, and how each of them can end."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from tempmail import __version__
from tempmail.cli.blocks import block
from tempmail.cli.check import check
from tempmail.cli.keys import key
from tempmail.cli.mail import mail
from tempmail.cli.mailboxes import mailbox
from tempmail.cli.mcp import mcp
from tempmail.cli.operating import Misconfigured, storage_options
from tempmail.cli.output import EXIT_CODES, Exit, printable
from tempmail.cli.plans import plan
from tempmail.cli.reparse import reparse
from tempmail.cli.serving import NoClient
from tempmail.cli.stats import stats
from tempmail.cli.users import subscription, user
from tempmail.model.errors import (
    Forbidden,
    InvalidInput,
    LimitReached,
    NotFound,
    TempmailError,
    Unauthenticated,
    Unavailable,
)

_OF_OURS: tuple[tuple[type[TempmailError], Exit], ...] = (
    (NotFound, Exit.NOT_FOUND),
    (InvalidInput, Exit.USAGE),
    (Unauthenticated, Exit.NOT_ALLOWED),
    (Forbidden, Exit.NOT_ALLOWED),
    (LimitReached, Exit.TRY_AGAIN),
    (Unavailable, Exit.UNREACHABLE),
)


@click.group(epilog=f"\b\n{EXIT_CODES}", context_settings={"help_option_names": ["-h", "--help"]})
@storage_options
@click.version_option(__version__, message="%(prog)s %(version)s")
def tempmail(**_: str | None) -> None:
    """Look after a tempmail daemon, or use one.

    \b
    Operators' commands (user, key, plan, subscription, block, stats, reparse, check) speak to the
    daemon's database: that of --database, else the PostgreSQL that runs under the daemon, through
    its socket in the data directory.  So give the options that the daemon was given; they are
    also read from TEMPMAIL_DATABASE, TEMPMAIL_DATA_DIR and TEMPMAIL_CONFIG.

    \b
    Users' commands (mailbox, mail, mcp) speak to the API at TEMPMAIL_URL, with the API key in
    UCT_API_KEY or a mailbox's token in TEMPMAIL_TOKEN.

    \b
    examples:
      tempmail user add ann && tempmail key add ann --scope codes
      tempmail plan change anonymous --max-mailboxes 20
      tempmail block lift 192.0.2.7
      tempmail mailbox new
      tempmail mail code happy-tiger-42@tempmail.localhost --wait 30

    Data goes to standard output, talk to standard error; --json makes the data JSON.
    Completion for your shell: _TEMPMAIL_COMPLETE=bash_source tempmail (or zsh, fish).
    """


for _command in (block, check, key, mail, mailbox, mcp, plan, reparse, stats, subscription, user):
    tempmail.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what ``arguments`` say, those of the process where None.

    :returns: the exit status, see :class:`tempmail.cli.output.Exit`.
    """
    try:
        status = tempmail.main(arguments, "tempmail", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        return _fail("left off", Exit.NOT_DONE)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except TempmailError as error:
        found = (status for kind, status in _OF_OURS if isinstance(error, kind))
        return _fail(error.detail, next(found, Exit.NOT_DONE))
    except Misconfigured as error:
        return _fail(str(error), Exit.CONFIGURATION)
    except NoClient as error:
        return _fail(str(error), Exit.CONFIGURATION)
    except Exception as error:
        return _of_the_client(error)
    return status if isinstance(status, int) else Exit.DONE


def _of_the_client(error: Exception) -> int:
    """What the client library raised; it is known only where it is installed."""
    from tempmail import client

    match error:
        case client.Timeout():
            return _fail(str(error), Exit.TIMED_OUT)
        case client.Unreachable() | client.BadAnswer():
            return _fail(str(error), Exit.UNREACHABLE)
        case client.NotFound():
            return _fail(str(error), Exit.NOT_FOUND)
        case client.Unauthenticated() | client.Forbidden():
            return _fail(str(error), Exit.NOT_ALLOWED)
        case client.LimitReached() | client.Unavailable():
            return _fail(str(error), Exit.TRY_AGAIN)
        case client.InvalidRequest():
            return _fail(str(error), Exit.USAGE)
        case client.Error():
            return _fail(str(error), Exit.NOT_DONE)
        case ValueError():  # no URL, no key
            return _fail(str(error), Exit.USAGE)
        case OSError():
            return _fail(str(error), Exit.NOT_DONE)
    raise error


def _fail(detail: str, status: Exit) -> int:
    click.echo("tempmail: " + printable(detail, keep="\n"), err=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
