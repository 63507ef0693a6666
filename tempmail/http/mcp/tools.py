"""What a tool is to an agent: a name, words, two schemas, hints; and the box that they are in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import msgspec
from attrs import frozen
from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from tempmail.core.metrics import Metrics
from tempmail.http.allowed import what_is_wrong
from tempmail.http.mcp.fence import Fence
from tempmail.http.mcp.messages import INVALID_PARAMS, RpcError
from tempmail.http.mcp.schemas import answered_schema, asked_schema
from tempmail.model.account import Caller, Scope
from tempmail.model.errors import (
    AddressUnavailable,
    Forbidden,
    InvalidInput,
    LimitReached,
    NotFound,
    TempmailError,
    Unauthenticated,
)
from tempmail.model.mailbox import UserOwner

Document = dict[str, Any]

_ADVICE: Mapping[type[TempmailError], str] = {
    NotFound: "list_mailboxes shows the mailboxes, get_messages the messages of one",
    AddressUnavailable: "leave the username out to have one chosen",
    Forbidden: "another credential is needed for this; ask whoever set this server up",
}


@frozen
class Use:
    """One use of a tool.

    :ivar network: that it comes from, which limits count by.
    :ivar fence: for what is of mails in the answer.
    """

    caller: Caller
    network: str
    fence: Fence


@frozen(kw_only=True)
class Tool:
    """:ivar scope: of the key that it takes.
    :ivar for_accounts: whether a mailbox's session token cannot use it.
    :ivar asked, answered: shapes of its arguments and of what it finds.
    :ivar of_mail: whether a stranger has written what it finds.
    :ivar do: called with a :class:`Use` and the arguments.
    """

    name: str
    title: str
    description: str
    scope: Scope
    asked: type[msgspec.Struct]
    answered: type[msgspec.Struct]
    do: Callable[[Use, Any], Awaitable[msgspec.Struct]]
    for_accounts: bool = False
    of_mail: bool = False
    reads_only: bool = False
    destroys: bool = False
    repeatable: bool = False

    def open_to(self, caller: Caller) -> bool:
        """Whether ``caller`` may use it."""
        whose = not self.for_accounts or isinstance(caller.owner, UserOwner)
        return whose and caller.scope.includes(self.scope)

    def described(self) -> Document:
        """As ``tools/list`` shows it."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": asked_schema(self.asked),
            "outputSchema": answered_schema(self.answered),
            "annotations": {
                "title": self.title,
                "readOnlyHint": self.reads_only,
                "destructiveHint": self.destroys,
                "idempotentHint": self.repeatable,
                "openWorldHint": self.of_mail,
            },
        }


class Toolbox:
    """:param tools: in the order in which they are shown.
    :param metrics: counts their uses.
    """

    _log = Logger()

    def __init__(self, tools: Iterable[Tool], metrics: Metrics) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._described = {name: tool.described() for name, tool in self._tools.items()}
        self._calls = metrics.mcp_calls

    def described(self, caller: Caller) -> list[Document]:
        """The tools that ``caller`` may use."""
        return [self._described[name] for name, tool in self._tools.items() if tool.open_to(caller)]

    def waits(self, params: Mapping[str, Any]) -> int | None:
        """For how many seconds a call may wait for mail; None where its tool does not wait."""
        tool = self._tools.get(_name(params))
        if tool is None or "timeout_seconds" not in tool.asked.__struct_fields__:
            return None
        asked = _arguments(params).get("timeout_seconds")
        fields = {one.name: one.default for one in msgspec.structs.fields(tool.asked)}
        return asked if isinstance(asked, int) else fields["timeout_seconds"]

    async def call(self, caller: Caller, network: str, params: Mapping[str, Any]) -> Document:
        """Use a tool.

        :returns: the result of ``tools/call``, also where the tool fails.
        :raises RpcError: there is no such tool, or the parameters are not those of a call.
        :raises Unauthenticated: a credential that was never issued.
        """
        name, arguments = _name(params), _arguments(params)
        tool = self._tools.get(name)
        if tool is None:
            known = ", ".join(self._tools)
            raise RpcError(INVALID_PARAMS, f"Unknown tool: {name[:64]}; there are: {known}")
        outcome = "cancelled"
        try:
            result = await self._used(tool, Use(caller, network, Fence()), arguments)
            outcome = "done"
        except CancelledError:  # whoever asked has left
            raise
        except Unauthenticated as why:
            outcome = why.code
            raise
        except TempmailError as why:
            outcome = why.code
            self._log.info("{tool} was refused: {code}", tool=name, code=why.code)
            result = _failed(why)
        except Exception:
            outcome = "failed"
            raise
        finally:
            self._calls.labels(name, outcome).inc()
        return result

    async def _used(self, tool: Tool, use: Use, arguments: Mapping[str, Any]) -> Document:
        if not tool.open_to(use.caller):
            raise _not_open(tool, use.caller)
        try:
            given = msgspec.convert(arguments, tool.asked)
        except msgspec.ValidationError as error:
            raise InvalidInput(what_is_wrong(error, tool.asked)) from None
        found = await tool.do(use, given)
        body = msgspec.json.encode(found)
        text = body.decode()
        if tool.of_mail and getattr(found, "found", True):  # not where time was up
            text = f"{use.fence.notice}\n{use.fence.around(text)}"
        return {
            "content": [{"type": "text", "text": text}],
            "structuredContent": msgspec.Raw(body),
            "isError": False,
        }


def _name(params: Mapping[str, Any]) -> str:
    name = params.get("name")
    if not isinstance(name, str):
        raise RpcError(INVALID_PARAMS, "Invalid params: name is that of a tool")
    return name


def _arguments(params: Mapping[str, Any]) -> Mapping[str, Any]:
    arguments = params.get("arguments")
    if arguments is None:
        return {}
    if not isinstance(arguments, dict):
        raise RpcError(INVALID_PARAMS, "Invalid params: arguments is an object")
    return arguments


def _not_open(tool: Tool, caller: Caller) -> Forbidden:
    if not caller.scope.includes(tool.scope):
        return Forbidden(
            f"{tool.name} needs an API key of scope {tool.scope}, this one has {caller.scope}"
        )
    return Forbidden(f"{tool.name} needs an API key; a session token opens its one mailbox")


def _failed(why: TempmailError) -> Document:
    """What an agent is told, so that it knows what to do next."""
    words = f"{why.code}: {why.detail}"
    if isinstance(why, LimitReached):
        words += f"; try again in {why.retry_after} seconds"
    elif (advice := _ADVICE.get(type(why))) is not None:
        words += f"; {advice}"
    return {"content": [{"type": "text", "text": words}], "isError": True}
