"""What happens around every rpc, in this order: who calls (401), may they (403), is the request valid (400), the call,
and any error as google.rpc.Status. An exception that is not of the table is masked: its text stays in the log.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import protovalidate
from google.protobuf.message import Message
from grpc_status import rpc_status

from threed import access
from threed.errors import FieldInvalid, Internal, ThreedError
from threed.status import to_status

log = logging.getLogger(__name__)


class Door(grpc.aio.ServerInterceptor):
    """The one interceptor, so that each call passes one wrapper and not four."""

    def __init__(self, tokens: access.Tokens, policy: access.Policy):
        self._tokens = tokens
        self._policy = policy

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        handler = await continuation(details)
        if handler is None:
            return handler
        role = self._policy.role(details.method)
        ways = (handler.request_streaming, handler.response_streaming)
        kind = "_".join("stream" if streaming else "unary" for streaming in ways)
        behavior = getattr(handler, kind)
        wrap = _streaming if handler.response_streaming else _unary
        contract = details.method.startswith("/threed.")
        return handler._replace(**{kind: wrap(behavior, self._admission(role), handler.request_streaming, contract)})

    def _admission(self, role: int | None) -> Callable[[grpc.aio.ServicerContext], None]:
        def admit(context: grpc.aio.ServicerContext) -> None:
            if role is None:
                return
            who = self._tokens.authenticate(dict(context.invocation_metadata()))
            who.require(role)
            access.enter(who)

        return admit


def _unary(behavior: Callable, admit: Callable, request_streaming: bool, contract: bool) -> Callable:
    async def handle(request: Any, context: grpc.aio.ServicerContext) -> Any:
        try:
            admit(context)
            if contract:
                request = _first_checked(request) if request_streaming else check(request)
            return await behavior(request, context)
        except Exception as error:
            await _abort(context, error)

    return handle


def _streaming(behavior: Callable, admit: Callable, request_streaming: bool, contract: bool) -> Callable:
    async def handle(request: Any, context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:
        try:
            admit(context)
            if contract:
                request = _first_checked(request) if request_streaming else check(request)
            async for response in behavior(request, context):
                yield response
        except Exception as error:
            await _abort(context, error)

    return handle


def check(request: Message) -> Message:
    """The request, if it keeps the rules that the contract states beside its fields. Raises FieldInvalid."""
    violations = protovalidate.collect_violations(request)
    if violations:
        found = tuple((_path(violation.proto.field), violation.proto.message) for violation in violations)
        sentence = "; ".join(f"{path}: {message}" for path, message in found[:5])
        more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
        raise FieldInvalid(f"The request breaks the contract. {sentence}{more}.", violations=found)
    return request


async def _first_checked(requests: AsyncIterator[Message]) -> AsyncIterator[Message]:
    """A stream whose first message is checked: only that one carries fields beside bytes."""
    first = True
    async for request in requests:
        yield check(request) if first else request
        first = False


def _path(field: Any) -> str:
    """`scene.nodes[0].translation`, from protovalidate's field path."""
    path = ""
    for element in field.elements if field else ():
        path += f".{element.field_name}" if path else element.field_name
        if element.subscript:
            path += f"[{element.subscript.value}]"
    return path


async def _abort(context: grpc.aio.ServicerContext, error: Exception) -> None:
    if isinstance(error, grpc.aio.AbortError | asyncio.CancelledError):
        raise error
    if not isinstance(error, ThreedError):
        incident = secrets.token_hex(8)
        log.error("incident %s", incident, exc_info=error)
        sentence = f"Something went wrong on our side. Tell the operator the incident {incident}; the log has the rest."
        error = Internal(sentence, incident=incident)
    await context.abort_with_status(rpc_status.to_status(to_status(error)))
