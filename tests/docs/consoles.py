"""The console blocks of a document: commands behind `$ `, what they print below, and how to run them."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.processes import free_port

MARK = "--- what the next command prints ---"
# Printed in the document for lines of the output that it leaves out.
LEFT_OUT = "…"
# What differs from one run to the next, in the order in which it is looked for.
VARYING = (
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\baccord_(?:client\.|secret\.)?[\w-]{43}(?![\w-])"), "<token>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<hash>"),
    (re.compile(r'"[\w-]{24}"'), "<etag>"),
    (re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z"), "<instant>"),
    (re.compile(r"\b20\d\d-\d\d-\d\d\b"), "<date>"),
    (re.compile(r"\b20\d\d-(\d{4})\b"), r"<year>-\1"),
    (re.compile(r"\b(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b"), "<weekday>"),
    (re.compile(r"\b\d+ loaded"), "<n> loaded"),
    (re.compile(r"\b\d+ events in \d+ streams"), "<n> events in <n> streams"),
    (re.compile(r"\b\d+ rows of \d+ tables"), "<n> rows of <n> tables"),
    (re.compile(r"\b\d+ rows are back"), "<n> rows are back"),
)
TIME_OUT = 120


@dataclass(frozen=True)
class Command:
    """One command of a document, with the line at which it stands and the lines that it is said to print."""

    line: int
    text: str
    prints: tuple[str, ...]


def blocks(document: Path, heading: str | None = None) -> Iterator[tuple[int, list[str]]]:
    """The console blocks under a heading (of any level), or all of them, each with the line of its first line."""
    found: list[str] | None = None
    start, under = 0, ""
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        if found is None and line.startswith("#"):
            under = line.lstrip("# ")
        elif found is None and line == "```console":
            start, found = number + 1, []
        elif found is not None and line == "```":
            if heading in (None, under):
                yield start, found
            found = None
        elif found is not None:
            found.append(line)


def commands(document: Path, heading: str | None = None) -> list[Command]:
    """The commands of those blocks; a command goes on in lines behind `> `."""
    read: list[Command] = []
    for start, lines in blocks(document, heading):
        for number, line in enumerate(lines, start):
            if line.startswith("$ "):
                read.append(Command(number, line[2:], ()))
            elif line.startswith("> ") and not read[-1].prints:
                read[-1] = Command(read[-1].line, f"{read[-1].text}\n{line[2:]}", ())
            else:
                read[-1] = Command(read[-1].line, read[-1].text, (*read[-1].prints, line))
    return read


def run(written: list[Command], folder: Path, port: str, **replaced: str) -> list[str]:
    """Run the commands in one shell in an empty folder, and give what each of them printed.

    `port` stands in the document for the one that is served on; `replaced` maps variables that a command exports to
    the values that they are to have here. A command that serves runs until the shell ends.
    """
    (folder / ".venv").symlink_to(sys.prefix)
    own_port = str(free_port())
    steps = [_step(command.text.replace(port, own_port), own_port, replaced) for command in written]
    script = "\n".join(["SERVER=", "trap '[ -z \"$SERVER\" ] || kill $SERVER; wait' EXIT", f"echo '{MARK}'", *steps])
    surroundings = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ACCORD_", "PYTEST_")) and not name.lower().endswith("_proxy")
    }
    surroundings |= {"HOME": str(folder), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    shell = subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        output, _nothing = shell.communicate(timeout=TIME_OUT)
    finally:
        # Whatever the shell left of its session: the server, if the shell itself was ended.
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()
    return [part.replace(own_port, port) for part in output.split(f"{MARK}\n")[1:-1]]


def _step(text: str, port: str, replaced: dict[str, str]) -> str:
    exported = re.match(r"export (\w+)=", text)
    if exported and exported[1] in replaced:
        text = f"export {exported[1]}={shlex.quote(replaced[exported[1]])}"
    made = re.fullmatch(r"make demo ARGS=\"(.*)\"", text)
    if made:
        text = f".venv/bin/accord demo {made[1]}"
    if made or text.startswith(".venv/bin/accord serve"):
        faults = "" if "2>" in text else " 2>&1"
        text = f"""{text.removesuffix(" &")} > server.out{faults} & SERVER=$!
for _ in $(seq 300); do
    curl -s -o server.alive http://127.0.0.1:{port}/livez && break
    kill -0 $SERVER || break
    sleep 0.2
done
cat server.out"""
    return f"{text}\necho '{MARK}'"


def plain(text: str) -> list[str]:
    """The lines of an output without what differs from run to run."""
    for pattern, name in VARYING:
        text = pattern.sub(name, text)
    return [line.rstrip() for line in text.rstrip("\n").splitlines()]


def agrees(said: tuple[str, ...], printed: str) -> bool:
    """Whether the output is what the document says it is."""
    pattern = "".join(
        r"(.*\n)*" if line.strip() == LEFT_OUT else re.escape(line) + r"\n" for line in plain("\n".join(said))
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in plain(printed))) is not None


def compared(written: list[Command], printed: list[str]) -> list[str]:
    """The commands whose output is not what the document says, each with both."""
    faults = [
        f"line {command.line}: $ {command.text}\nsaid:\n" + "\n".join(command.prints) + f"\nprinted:\n{output}"
        for command, output in zip(written, printed, strict=False)
        if not agrees(command.prints, output)
    ]
    if len(printed) != len(written):
        faults.append(f"{len(printed)} of {len(written)} commands ran")
    return faults
