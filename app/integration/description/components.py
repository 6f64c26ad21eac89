"""What many operations share, as components of the document: each is defined once, and operations refer to it."""

import json
from collections import Counter
from typing import Any

from app.core.http.problems import DESCRIPTIONS, NAMES, problems

Json = dict[str, Any]

_DESTROYED = "What people wrote in the case was destroyed with its key (`destroyed`)."
_RECEIPT = "The position of the act in the ledger: `stream=…, seq=…, hash=…`, for `accord ledger verify --against`."
HEADERS = {
    "ETag": "The version of this answer. Send it as `If-None-Match`, or as `If-Match`.",
    "Accord-Receipt": _RECEIPT,
    "Idempotency-Replayed": "`true` if the key's first request is answered again.",
    "Link": "The address of the next page, with `rel=next`.",
    "RateLimit": "What is left of the limit under which the request fell: `r` requests, and one more in `t` seconds.",
    "RateLimit-Policy": "The limit: `q` requests in `w` seconds.",
    "Retry-After": "After how many seconds to send the request again.",
}
RESPONSES: dict[str, Json] = {
    **{name: problems(status)[status] for status, name in NAMES.items()},
    "Gone": {**problems(410)[410], "description": f"{DESCRIPTIONS[410]} (`gone`)"},
    "Destroyed": {**problems(410)[410], "description": _DESTROYED},
    "DestroyedOrGone": {**problems(410)[410], "description": f"{_DESTROYED} {DESCRIPTIONS[410]} (`gone`)"},
    "NotModified": {"description": "What you have is still current."},
}
_SAY_WHEN = ("TooManyRequests", "Unavailable")
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of what you have. If nothing has changed, the answer is 304.",
    "schema": {"type": "string"},
}
# What the ids and names in paths are.
PATHS = {
    "appointment_id": "The id of the appointment.",
    "case_id": "The id of the case.",
    "certificate_id": "The id of the certificate.",
    "client_id": "The id of the client.",
    "closure_id": "The id of the closure.",
    "consent_id": "The id of the consent.",
    "court_id": "The id of the court.",
    "deadline_id": "The id of the deadline.",
    "delivery_id": "The id of the delivery.",
    "disclosure_id": "The id of the disclosure.",
    "document_id": "The id of the document.",
    "draft_id": "The id of the draft.",
    "event_id": "The id of the event.",
    "filing_id": "The id of the filing.",
    "mediator_id": "The id of the entry on the roster.",
    "member_id": "The id of the member.",
    "party_id": "The id of the party.",
    "procedure_id": "The id of the rule set.",
    "rectification_id": "The id of the rectification.",
    "referral_id": "The id of the referral.",
    "representative_id": "The id of the representative.",
    "secret_id": "The id of the secret.",
    "service_id": "The id of the attempt.",
    "session_id": "The id of the session.",
    "signature_id": "The id of the signature.",
    "step": "The name of the step in the case's rule set.",
    "third_state_id": "The id of the third State.",
    "token_id": "The id of the token.",
    "user_id": "The id of the person.",
    "version_id": "The id of the version of the request.",
    "webhook_id": "The id of the subscription.",
}
# The names among the components of the parameters that many operations take in the same form.
_PARAMETERS = {
    "limit": "Limit",
    "after": "After",
    "count": "Count",
    "idempotency-key": "IdempotencyKey",
    "If-None-Match": "IfNoneMatch",
    "if-match": "IfMatch",
}
_CHANGES = ("patch", "delete")


def reference(kind: str, name: str) -> Json:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def gone(destroyed: bool, restored: bool) -> Json:
    """The response 410, for what may have been destroyed and for cursors from before a restoration."""
    name = "DestroyedOrGone" if destroyed and restored else "Destroyed" if destroyed else "Gone"
    return reference("responses", name)


def share(document: Json) -> None:
    """Move what operations share into the components."""
    components = document["components"]
    components["headers"] = {
        name: {"description": says, "schema": {"type": "integer" if name == "Retry-After" else "string"}}
        for name, says in HEADERS.items()
    }
    components["responses"] = {
        **{name: dict(response) for name, response in RESPONSES.items()},
        **components.get("responses", {}),
    }
    for rate_limited in _SAY_WHEN:
        components["responses"][rate_limited]["headers"] = {
            name: reference("headers", name) for name in ("Retry-After", "RateLimit", "RateLimit-Policy")
        }
    operations = [(method, operation) for item in document["paths"].values() for method, operation in item.items()]
    parameters = _usual_parameters(operations)
    components.setdefault("parameters", {}).update(parameters)
    for method, operation in operations:
        responses = operation["responses"]
        operation["responses"] = {status: _shared_response(status, responses[status]) for status in responses}
        for index, parameter in enumerate(operation.get("parameters", ())):
            shared = _parameter_name(method, parameter)
            if shared is not None and parameter == parameters[shared]:
                operation["parameters"][index] = reference("parameters", shared)


def _shared_response(status: str, response: Json) -> Json:
    name = NAMES.get(int(status))
    return reference("responses", name) if name is not None and response == RESPONSES[name] else response


def _usual_parameters(operations: list[tuple[str, Json]]) -> Json:
    """The most frequent form of each parameter that has a name among the components, by that name."""
    forms: dict[str, Counter[str]] = {}
    for method, operation in operations:
        for parameter in operation.get("parameters", ()):
            name = _parameter_name(method, parameter)
            if name is not None:
                forms.setdefault(name, Counter())[json.dumps(parameter)] += 1
    return {name: json.loads(counts.most_common(1)[0][0]) for name, counts in sorted(forms.items())}


def _parameter_name(method: str, parameter: Json) -> str | None:
    if parameter["in"] == "path":
        return "".join(word.capitalize() for word in parameter["name"].split("_"))
    name = _PARAMETERS.get(parameter["name"])
    return "IfMatchOfChange" if name == "IfMatch" and method in _CHANGES else name


def untitle(document: Json) -> None:
    """Take away the titles that are made from the names of fields and say nothing more than these."""
    for schema in document["components"]["schemas"].values():
        _untitle(schema)
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                _untitle(parameter["schema"])
                # It is written with the parameter itself.
                parameter["schema"].pop("description", None)
            for body in (operation.get("requestBody", {}), *operation["responses"].values()):
                for media in body.get("content", {}).values():
                    _untitle(media.get("schema", {}))


def _untitle(schema: Json) -> None:
    schema.pop("title", None)
    within = [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *schema.get("allOf", ())]
    for part in (*within, schema.get("items"), schema.get("additionalProperties")):
        if isinstance(part, dict):
            _untitle(part)
