"""PDFs are judged by opening them, in a process that is bounded in memory and time and knows nothing but the file."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from app.core.errors import Invalid, Misconfigured, invalid
from app.core.files import pdf_inspection

# Larger PDFs are checked at their beginning and end only, because opening one takes several times its size in memory.
MOST_OPENED = 48 * 1024**2
# Seconds until the process is stopped, and processes at once.
PATIENCE, AT_ONCE = 30.0, 2
_MESSAGES = {
    "pdf-encrypted": "The PDF is encrypted and opens with a password only. Send it without a password.",
    "pdf-broken": "The PDF cannot be opened, because its structure is broken. Save or print it as a new PDF.",
    "pdf-no-pages": "The PDF has no pages. Send a PDF with at least one page.",
    "pdf-script": "The PDF contains JavaScript. Print it as a new PDF, which has no scripts.",
    "pdf-launch": "The PDF contains an action that starts a program. Print it as a new PDF, which has no actions.",
    "pdf-program": "The PDF contains a program as an attachment. Remove the attachment.",
    "pdf-too-complex": "Opening the PDF takes too much time or memory. Print it as a new PDF, or split it.",
    "pdf-not-rendered": "A page of the PDF cannot be drawn. Save or print it as a new PDF.",
    "pdf-blank": "All pages of the PDF are blank. Send the text that the parties are to sign.",
    "pdf-too-large": f"A settlement's text may have at most {MOST_OPENED // 1024**2} MiB as PDF. Send a smaller file.",
}


def check_size(size: int, *, renders: bool) -> bool:
    """Whether a PDF of `size` bytes is opened; raises Invalid for one that must be drawn and is too large for that."""
    if renders and size > MOST_OPENED:
        raise refusal("pdf-too-large")
    return size <= MOST_OPENED


def check_pdf(pieces: Iterable[bytes], *, renders: bool) -> None:
    """Open a PDF; raises Invalid, with a code for each cause, if it is refused.

    The bytes go to the process through a pipe, and are never in a file.
    """
    command = [sys.executable, "-I", str(Path(pdf_inspection.__file__)), *(["render"] if renders else [])]
    with subprocess.Popen(  # noqa: S603 - a fixed program, and no word from the request
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/"
    ) as process:
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        try:
            answer = _ask(process, pieces)
        finally:
            process.kill()
            timer.cancel()
    if not answer:
        if process.returncode > 0:
            raise Misconfigured("The program that opens PDFs did not start. Install the packages of Accord again.")
        answer = '{"code": "pdf-too-complex"}'
    if code := json.loads(answer)["code"]:
        raise refusal(code)


def _ask(process: "subprocess.Popen[bytes]", pieces: Iterable[bytes]) -> str:
    # The process may end before it has read everything.
    with suppress(BrokenPipeError):
        for piece in pieces:
            process.stdin.write(piece)  # type: ignore[union-attr]
    with suppress(BrokenPipeError):
        process.stdin.close()  # type: ignore[union-attr]
    answer = process.stdout.read(200).decode("ascii", "replace")  # type: ignore[union-attr]
    process.wait()
    return answer


def refusal(code: str) -> Invalid:
    """The refusal of a PDF for a cause."""
    return invalid("", code, _MESSAGES[code])
