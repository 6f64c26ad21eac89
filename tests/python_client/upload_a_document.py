"""Uploads a document to a draft, and reads it, by a client that was generated from the OpenAPI document.

    python upload_a_document.py BASE-URL TOKEN CASE-ID FILING-ID

It runs in the virtual environment of the generator, in the folder in which the client was generated, and sends
`memorial.pdf` from there.
"""

import io
import json
import sys
from pathlib import Path

from accord_client import AuthenticatedClient  # type: ignore[import-not-found]
from accord_client.api.documents import (  # type: ignore[import-not-found]
    list_documents,
    upload_document,
    upload_text,
)
from accord_client.api.referrals import upload_order  # type: ignore[import-not-found]
from accord_client.types import File  # type: ignore[import-not-found]

base_url, token, case_id, filing_id = sys.argv[1:]
client = AuthenticatedClient(base_url=base_url, token=token)
file = File(payload=io.BytesIO(Path("memorial.pdf").read_bytes()))
document = upload_document.sync(
    case_id, filing_id, client=client, body=file, content_disposition="attachment; filename*=UTF-8''memorial.pdf"
)
listed = list_documents.sync(case_id, filing_id, client=client)
told = {
    "name": document.name,
    "media_type": document.media_type,
    "state": document.state.value,
    "listed": [one.name for one in listed.items],
    "uploads": [one.__name__.rpartition(".")[2] for one in (upload_document, upload_text, upload_order)],
}
print(json.dumps(told))  # noqa: T201 - it is what the program is for
