"""What a client raises: whether another attempt may help, and what to tell the user."""

from __future__ import annotations

import httpx
from grpc import Call, RpcError, StatusCode
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from simplugin.errors import StoreError
from simplugin.retrying import PASSING, Retry, retry_after

__all__ = ["CLIENT_ERRORS", "is_unknown_call", "is_unreachable", "to_store_error", "wait_before_next"]

CLIENT_ERRORS = (RpcError, ApiException, ResourceExhaustedResponse, ValueError, KeyError)
"""The emulator raises ValueError and KeyError; the others come of a server, over REST or gRPC."""

_PASSING_CODES = {
    StatusCode.UNAVAILABLE,
    StatusCode.DEADLINE_EXCEEDED,
    StatusCode.RESOURCE_EXHAUSTED,
    StatusCode.ABORTED,
    StatusCode.INTERNAL,
}


def wait_before_next(error: BaseException, attempt: int, retry: Retry, *, answered: bool) -> float | None:
    """Return the seconds to wait before the next attempt, None where none would help or none is left.

    ``attempt`` counts from 1. A server that never ``answered`` and refuses the connection is not there.
    """
    if attempt >= retry.attempts:
        return None
    match error:
        case ResourceExhaustedResponse():
            return retry.wait(attempt, float(error.retry_after_s))
        case UnexpectedResponse() if error.status_code in PASSING:
            return retry.wait(attempt, retry_after(error.headers.get("retry-after")))
        case _ if not answered and is_unreachable(error):
            return None
        case ResponseHandlingException(source=httpx.TransportError()):
            return retry.wait(attempt, None)
        case RpcError() if isinstance(error, Call) and error.code() in _PASSING_CODES:
            return retry.wait(attempt, None)
        case _:
            return None


def is_unknown_call(error: BaseException | None) -> bool:
    """Say whether the server does not know what was asked for: it is too old."""
    if isinstance(error, UnexpectedResponse):
        return error.status_code in {404, 405}
    return isinstance(error, RpcError) and isinstance(error, Call) and error.code() is StatusCode.UNIMPLEMENTED


def is_unreachable(error: BaseException) -> bool:
    """Say whether nothing took the connection."""
    if isinstance(error, RpcError) and isinstance(error, Call):
        return error.code() is StatusCode.UNAVAILABLE
    return isinstance(error, ResponseHandlingException) and isinstance(error.source, httpx.ConnectError)


def to_store_error(name: str, error: BaseException, attempts: int = 1) -> StoreError:
    """Put into one sentence what the client said, and in which attempt."""
    reason = str(error.details()) if isinstance(error, RpcError) and isinstance(error, Call) else str(error)
    first = (reason.strip() or type(error).__name__).splitlines()[0].rstrip(".")
    tried = f", in the last of {attempts} attempts" if attempts > 1 else ""
    return StoreError(f"Qdrant could not do what was asked for {name!r}{tried}: {first}.")
