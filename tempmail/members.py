"""Who has an account here, and how they show it, as the operator chose it."""

from __future__ import annotations

from typing import Any

from tempmail.core.accounts import AccountDesk
from tempmail.core.callers import Callers
from tempmail.core.keyring import Keyring
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Mailboxes
from tempmail.core.sign_in import SignIn, SignUp
from tempmail.core.tickets import Tickets
from tempmail.settings import Settings
from tempmail.storage.accounts import PostgresAccounts
from tempmail.storage.database import Database
from tempmail.storage.keys import PostgresKeys
from tempmail.storage.passkeys import PostgresEnrolments
from tempmail.storage.single_use import PostgresSingleUse


class Members:
    """Accounts, and the credentials that open them.

    :param mailboxes: know their session tokens.
    :ivar callers: says who asks.
    :ivar desk: where accounts are asked for.
    :ivar sign_in: lets browsers in.
    :ivar tickets: for WebSockets and event streams.
    :ivar keyring: to be stopped before storage is.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        mailboxes: Mailboxes,
        metrics: Metrics,
        reactor: Any,
    ) -> None:
        single_use = PostgresSingleUse(database)
        self.keyring = Keyring(PostgresKeys(database), metrics, reactor)
        self.tickets = Tickets(single_use, reactor)
        self.callers = Callers(self.keyring, self.tickets, mailboxes.was_issued)
        self.desk = AccountDesk(PostgresAccounts(database), self.keyring)
        self.sign_in = SignIn(
            SignUp(settings.signs_up), PostgresEnrolments(database), single_use, metrics, reactor
        )
