"""The tools, as agents are told of them."""

from __future__ import annotations

from tempmail.http.asked import CreateMailbox, ListMailboxes
from tempmail.http.mcp import asked as asked
from tempmail.http.mcp import found as found
from tempmail.http.mcp.mailbox_uses import MailboxUses
from tempmail.http.mcp.tools import Tool
from tempmail.model.account import Scope


def mailbox_tools(uses: MailboxUses) -> list[Tool]:
    """All of them."""
    return [
        Tool(
            name="create_mailbox",
            title="Make a mailbox",
            description=(
                "Make a temporary mailbox that can receive mail at once, for signing up"
                " somewhere or for a test. All arguments are optional. It ends by itself at"
                " expires_at, with all its mail."
            ),
            scope=Scope.FULL,
            for_accounts=True,
            asked=CreateMailbox,
            answered=found.Mailbox,
            do=uses.create_mailbox,
        ),
        Tool(
            name="list_mailboxes",
            title="List mailboxes",
            description="List the living mailboxes of the account, the newest first.",
            scope=Scope.CODES,
            for_accounts=True,
            asked=ListMailboxes,
            answered=found.Mailboxes,
            do=uses.list_mailboxes,
            reads_only=True,
            repeatable=True,
        ),
        Tool(
            name="get_messages",
            title="List messages",
            description=(
                "List the messages of a mailbox, the newest first: sender, subject, first"
                " words and codes. To wait for mail that is still to come, use"
                " wait_for_message or wait_for_code instead of calling this again and again."
            ),
            scope=Scope.READ,
            asked=asked.GetMessages,
            answered=found.Messages,
            do=uses.get_messages,
            of_mail=True,
            reads_only=True,
            repeatable=True,
        ),
        Tool(
            name="read_message",
            title="Read a message",
            description=(
                "Read one message: its text (the text of its HTML where it has nothing else),"
                " codes, links, the list of its attachments, and whether it is from whom it"
                f" says. At most {found.MOST_TEXT} characters of the text; next_offset says"
                " where to go on. It stays as unread as it is for people."
            ),
            scope=Scope.READ,
            asked=asked.ReadMessage,
            answered=found.Message,
            do=uses.read_message,
            of_mail=True,
            reads_only=True,
            repeatable=True,
        ),
        Tool(
            name="delete_mailbox",
            title="End a mailbox",
            description="End a mailbox at once and remove all its mail. There is no way back.",
            scope=Scope.FULL,
            asked=asked.DeleteMailbox,
            answered=found.Deleted,
            do=uses.delete_mailbox,
            destroys=True,
            repeatable=True,
        ),
        Tool(
            name="wait_for_message",
            title="Wait for a message",
            description=(
                "Wait until the mailbox has a message that matches everything given, and"
                " return it as read_message does. What is there already counts, unless after"
                " is given. Where time is up found is false: call again with its after."
            ),
            scope=Scope.READ,
            asked=asked.WaitForMessage,
            answered=found.MessageWaitedFor,
            do=uses.wait_for_message,
            of_mail=True,
            reads_only=True,
            repeatable=True,
        ),
        Tool(
            name="wait_for_code",
            title="Wait for a code",
            description=(
                "Wait until a message with a code to type in has come (or, with has: link,"
                " one with a link to confirm or sign in), and return the code and the links"
                " without any text of the mail. What is there already counts, unless after is"
                " given. Where time is up found is false: call again with its after. subject"
                " and body need an API key that may read."
            ),
            scope=Scope.CODES,
            asked=asked.WaitForCode,
            answered=found.CodeWaitedFor,
            do=uses.wait_for_code,
            of_mail=True,
            reads_only=True,
            repeatable=True,
        ),
    ]
