"""The errors of the domain; only `http/errors.py` knows their status numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.rules.model import Reason, Refused


class Problem(Exception):
    """An error that is reported to the caller.

    Problem
    ├── Unauthenticated
    ├── NotFound                missing or hidden, without a difference
    ├── Forbidden               visible to the caller, who may not do this
    │   └── InsufficientScope   the token of the client does not allow it
    ├── Invalid                 a field has a value that is not allowed
    │   └── PartyNotNamed       the caller represents several parties and must name one
    ├── Conflict                not possible now: stage, term, need, or a duplicate
    ├── PreconditionRequired, PreconditionFailed, WeakTag
    ├── KeyReused, KeyInProgress
    ├── TooLarge, UnsupportedMediaType, Unsatisfiable
    ├── Gone                    issued before the registry was restored, or destroyed
    ├── TooManyRequests
    └── Unavailable             nothing was changed
        └── OutcomeUnknown      the commit was sent, and its answer did not arrive
    """

    code = "problem"
    title = "The request could not be carried out"

    def __init__(self, detail: str, code: str | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.members = members


class Unauthenticated(Problem):
    """The request has no token, or one that is not valid."""

    code = "unauthenticated"
    title = "Authentication is needed"

    def __init__(self) -> None:
        super().__init__("Send a valid token as 'Authorization: Bearer <token>'.")


class NotFound(Problem):
    """The item does not exist or is hidden from the caller; the answer is the same.

    Only what everybody may know, such as a step that the published rules lack, has a detail of its own.
    """

    code = "not-found"
    title = "Not found"

    def __init__(self, detail: str = "This does not exist, or you may not see it.") -> None:
        super().__init__(detail)


class Forbidden(Problem):
    """The caller may see the item but may not do this."""

    code = "forbidden"
    title = "Not allowed"


class InsufficientScope(Forbidden):
    """The token of an API client lacks the scope of the operation."""

    code = "insufficient-scope"
    title = "The token does not allow it"

    def __init__(self, scope: str) -> None:
        super().__init__(f"Get a token with the scope '{scope}'. An administrator sets which scopes a client has.")
        self.scope = scope


class GrantRefused(Exception):
    """No token is issued, with an error code of OAuth (RFC 6749, section 5.2; RFC 8707)."""

    def __init__(self, error: str, detail: str) -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail


@dataclass(frozen=True, slots=True)
class FieldError:
    """A fault in a request: a JSON pointer, a stable code and a sentence, without the input."""

    pointer: str
    code: str
    message: str


class Invalid(Problem):
    """The request is well formed, but its fields are not valid."""

    code = "invalid"
    title = "The request is not valid"

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("Correct the fields that 'errors' lists, then send the request again.")
        self.errors = errors


def invalid(pointer: str, code: str, message: str) -> Invalid:
    """An `Invalid` with a single fault."""
    return Invalid(FieldError(pointer, code, message))


class PartyNotNamed(Invalid):
    """Somebody who represents several parties did not say for which of them they act, or named none of theirs.

    `parties` are the parties among which they can choose, by id and name.
    """

    code = "acting-for"
    title = "For which party you act is not clear"

    def __init__(self, message: str, parties: Iterable[tuple[UUID, str]]) -> None:
        super().__init__(FieldError("/acting_for", "acting-for", message))
        self.members["parties"] = [{"id": str(id), "name": name} for id, name in parties]


class Conflict(Problem):
    """The current state does not allow the act."""

    code = "conflict"
    title = "Not possible now"


class PreconditionRequired(Problem):
    """The change must name the version that it was made from."""

    code = "precondition-required"
    title = "A precondition is needed"

    def __init__(self) -> None:
        super().__init__("Read the resource, then send its ETag as 'If-Match'.")


class WeakTag(Problem):
    """`If-Match` has a weak or unquoted tag, which can never match."""

    code = "weak-tag"
    title = "The tag is not a strong one"

    def __init__(self) -> None:
        super().__init__(
            "Send the ETag in 'If-Match' as you received it, in double quotes and without 'W/'. If you received a weak "
            "tag, a proxy that compresses has changed it: send 'Accept-Encoding: identity', or remove the 'W/'. "
            "Nothing was changed."
        )


class PreconditionFailed(Problem):
    """The change was made from a version that is no longer the current one."""

    code = "precondition-failed"
    title = "The resource has changed"

    def __init__(self) -> None:
        super().__init__(
            "The resource has changed since you read it. Read it again before you change it; nothing was changed."
        )


class KeyReused(Problem):
    """The idempotency key was used for another request."""

    code = "key-reused"
    title = "The idempotency key was used for another request"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key belongs to another request. Use a new key for a new request.")


class KeyInProgress(Problem):
    """The first request with this key is still running."""

    code = "key-in-progress"
    title = "The first request with this key is still running"

    def __init__(self) -> None:
        super().__init__("Wait, then send the same request again to get the answer of the first.")


class TooLarge(Problem):
    """The body is larger than the limit."""

    code = "too-large"
    title = "The body is too large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is too large: send at most {limit} bytes.")


class UnsupportedMediaType(Problem):
    """The body is neither JSON nor a file of an accepted kind, or its header does not say so."""

    code = "unsupported-media-type"
    title = "The media type is not supported"

    def __init__(self, detail: str = "Send the body as 'Content-Type: application/json'.") -> None:
        super().__init__(detail)


class Unsatisfiable(Problem):
    """The requested range is outside a file of `size` bytes."""

    code = "range-not-satisfiable"
    title = "The range is not in the file"

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes. Request a range within it.")
        self.size = size


class TooManyRequests(Problem):
    """The address or person has sent too many requests; `retry_after` is in seconds."""

    code = "too-many-requests"
    title = "Too many requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests. Retry after {retry_after} seconds. Nothing was changed.")
        self.retry_after = retry_after


class Gone(Problem):
    """The request refers to something that no longer exists, as after a restore from a backup."""

    code = "gone"
    title = "No longer valid"


class Destroyed(Gone):
    """The contents of the case were destroyed with its key; its events can still be verified."""

    code = "destroyed"
    title = "Destroyed"


class Unavailable(Problem):
    """The database cannot be reached or is too busy; nothing was changed."""

    code = "unavailable"
    title = "Unavailable for the moment"

    def __init__(self) -> None:
        super().__init__("The service cannot reach its database at the moment. Nothing was changed; try again.")


class OutcomeUnknown(Unavailable):
    """The database was lost while it committed, so it is not known whether the change was made."""

    code = "outcome-unknown"
    title = "It is not known whether the change was made"

    def __init__(self) -> None:
        Problem.__init__(
            self,
            "The connection to the database was lost while the change was being stored, so it may have been made or "
            "not. If you sent an Idempotency-Key, send the same request with the same key. Otherwise look whether the "
            "change is there before you send it again.",
        )


class Altered(Exception):
    """A sealed content or file is not what was written."""


class Misconfigured(Exception):
    """The service cannot start with its settings; the message says what to correct."""


def reason_out(reason: Reason) -> dict[str, Any]:
    """A reason of the rules, as answers show it."""
    return {
        "code": reason.code,
        "detail": reason.detail,
        "article": reason.citation.article,
        "source": reason.citation.source,
        "standing": reason.citation.standing,
        "cure": reason.cure,
    }


def refusal(refused: Refused, rule_set: str) -> Problem:
    """The error for a refusal by the rules: NotFound for an unknown step, Forbidden for a capacity, else Conflict."""
    if refused.code == "unknown-step":
        return NotFound("The rules of procedure of this case have no such step. Its list of steps has their names.")
    reasons = [reason_out(reason) for reason in refused.reasons]
    article = reasons[0]["article"] if reasons else None
    kind = Forbidden if refused.code == "not-your-capacity" else Conflict
    return kind(refused.detail, refused.code, stage=refused.stage, rule_set=rule_set, article=article, reasons=reasons)
