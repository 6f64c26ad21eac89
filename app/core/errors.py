"""What can go wrong, in the domain's own words; only `http/errors.py` knows the status numbers."""

from dataclasses import dataclass
from typing import Any

from app.rules.model import Reason, Refused


class Problem(Exception):
    """A failure that the caller is told about.

    Problem
    ├── Unauthenticated
    ├── NotFound                missing and hidden alike
    ├── Forbidden               yours to see, not yours to do
    │   └── InsufficientScope   the program's token does not allow it
    ├── Invalid                 the request says something that cannot be meant
    ├── Conflict                not now: stage, term, need, or a unique thing that exists
    ├── PreconditionRequired, PreconditionFailed
    ├── KeyReused, KeyInProgress
    ├── TooLarge, UnsupportedMediaType, Unsatisfiable
    ├── Gone                    given out before the registry was restored
    ├── TooManyRequests
    └── Unavailable
    """

    code = "problem"
    title = "The request could not be carried out"

    def __init__(self, detail: str, code: str | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.members = members


class Unauthenticated(Problem):
    """No token, or none that is valid now."""

    code = "unauthenticated"
    title = "Authentication is needed"

    def __init__(self) -> None:
        super().__init__("Send a valid token as 'Authorization: Bearer <token>'.")


class NotFound(Problem):
    """There is no such thing, or it is not yours to see: the answer is the same."""

    code = "not-found"
    title = "Not found"

    def __init__(self) -> None:
        super().__init__("There is nothing here that you can see.")


class Forbidden(Problem):
    """The caller may see the thing but not do this to it."""

    code = "forbidden"
    title = "Not allowed"


class InsufficientScope(Forbidden):
    """The token of a program lacks the scope that the operation asks for."""

    code = "insufficient-scope"
    title = "The token does not allow it"

    def __init__(self, scope: str) -> None:
        super().__init__(f"Get a token with the scope '{scope}'; an administrator says which scopes a client has.")
        self.scope = scope


class GrantRefused(Exception):
    """No token is given, for a reason that OAuth has a word for (RFC 6749, section 5.2; RFC 8707)."""

    def __init__(self, error: str, detail: str) -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of a request: a JSON pointer to the place, a stable code and a sentence; never the input itself."""

    pointer: str
    code: str
    message: str


class Invalid(Problem):
    """The request is understood but what it says cannot be meant."""

    code = "invalid"
    title = "The request is not valid"

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("Correct what 'errors' names and send the request again.")
        self.errors = errors


def invalid(pointer: str, code: str, message: str) -> Invalid:
    """An `Invalid` with a single fault."""
    return Invalid(FieldError(pointer, code, message))


class Conflict(Problem):
    """The state of things does not allow it now."""

    code = "conflict"
    title = "Not possible now"


class PreconditionRequired(Problem):
    """The change must say which version it rests on."""

    code = "precondition-required"
    title = "A precondition is needed"

    def __init__(self) -> None:
        super().__init__("Read the resource, then send its ETag as 'If-Match'.")


class PreconditionFailed(Problem):
    """The version that the change rests on is no longer the current one."""

    code = "precondition-failed"
    title = "The resource has changed"

    def __init__(self) -> None:
        super().__init__("What you read has changed since. Read it again, then decide anew; nothing was changed.")


class KeyReused(Problem):
    """An idempotency key came again with another request."""

    code = "key-reused"
    title = "The idempotency key was used for another request"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key belongs to another request. Use a new key for a new request.")


class KeyInProgress(Problem):
    """The first request with this key has not ended yet."""

    code = "key-in-progress"
    title = "The first request with this key is still running"

    def __init__(self) -> None:
        super().__init__("Wait, then send the same request again: it will answer as the first one did.")


class TooLarge(Problem):
    """The body is larger than the service reads."""

    code = "too-large"
    title = "The body is too large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"A body may have at most {limit} bytes.")


class UnsupportedMediaType(Problem):
    """The body is not JSON, or not a file of a kind that is taken, or does not say so."""

    code = "unsupported-media-type"
    title = "The media type is not supported"

    def __init__(self, detail: str = "Send the body as 'Content-Type: application/json'.") -> None:
        super().__init__(detail)


class Unsatisfiable(Problem):
    """The range that was asked for lies outside a file of `size` bytes."""

    code = "range-not-satisfiable"
    title = "The range is not in the file"

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes.")
        self.size = size


class TooManyRequests(Problem):
    """More requests than are served to one address or one person; `retry_after` are the seconds to wait."""

    code = "too-many-requests"
    title = "Too many requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Wait {retry_after} seconds, then go on more slowly. Nothing was changed.")
        self.retry_after = retry_after


class Gone(Problem):
    """What the request rests on was given out before the registry was restored from a backup."""

    code = "gone"
    title = "No longer valid"


class Destroyed(Gone):
    """What people wrote in the case was destroyed with its key; that it was written can still be proved."""

    code = "destroyed"
    title = "Destroyed"


class Unavailable(Problem):
    """The database cannot be reached or is too busy; nothing was changed."""

    code = "unavailable"
    title = "Unavailable for the moment"

    def __init__(self) -> None:
        super().__init__("The service cannot reach its database just now. Nothing was changed; try again.")


class Misconfigured(Exception):
    """The service cannot start as it is set up; the message says what to mend."""


def reason_out(reason: Reason) -> dict[str, Any]:
    """A reason of the rules as it stands in an answer."""
    return {
        "code": reason.code,
        "detail": reason.detail,
        "article": reason.citation.article,
        "source": reason.citation.source,
        "standing": reason.citation.standing,
        "cure": reason.cure,
    }


def refusal(refused: Refused, rule_set: str) -> Problem:
    """A refusal by the rules: an unknown step is not found, who may not act is forbidden, the rest conflicts."""
    if refused.code == "unknown-step":
        return NotFound()
    reasons = [reason_out(reason) for reason in refused.reasons]
    article = reasons[0]["article"] if reasons else None
    kind = Forbidden if refused.code == "not-your-capacity" else Conflict
    return kind(refused.detail, refused.code, stage=refused.stage, rule_set=rule_set, article=article, reasons=reasons)
