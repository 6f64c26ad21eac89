"""The commands of a document, what they print, and how to run them in a copy of the project.

A `console` block has commands behind `$ ` with their output below. An `sh` block is pasted as it stands; what it prints
is in the `text` or `json` block that follows it, if there is one.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.house.source import ROOT, project_files
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
    (re.compile(r"\bRestored \d+ rows"), "Restored <n> rows"),
)
TIME_OUT = 120
# How the documents write the home of their reader.
YOUR_HOME = "/home/you"


@dataclass(frozen=True)
class Command:
    """One command of a document, with the line at which it stands and the lines that it is said to print."""

    line: int
    text: str
    prints: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """A fenced block of a document: its language, the heading above it, and its lines, the first being at `line`."""

    language: str
    heading: str
    line: int
    lines: tuple[str, ...]
    follows: "Block | None"


def fenced(document: Path) -> Iterator[Block]:
    """Every fenced block, in order; `follows` is the block before it, where only empty lines stand between them."""
    fence: str | None = None
    before: Block | None = None
    heading, start = "", 0
    lines: list[str] = []
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        if fence is not None and line == "```":
            before = Block(fence, heading, start, tuple(lines), before)
            yield before
            fence = None
        elif fence is not None:
            lines.append(line)
        elif line.startswith("```"):
            fence, start, lines = line[3:], number + 1, []
        elif line:
            before = None
            heading = line.lstrip("# ") if line.startswith("#") else heading


def blocks(document: Path, heading: str | None = None) -> Iterator[tuple[int, list[str]]]:
    """The console blocks under a heading (of any level), or all of them, each with the line of its first line."""
    for block in fenced(document):
        if block.language == "console" and heading in (None, block.heading):
            yield block.line, list(block.lines)


def commands(document: Path, heading: str | None = None) -> list[Command]:
    """The commands of the console blocks and of the `sh` blocks under a heading, or of all."""
    read: list[Command] = []
    for block in fenced(document):
        if heading not in (None, block.heading):
            continue
        if block.language == "sh":
            read.append(Command(block.line, "\n".join(block.lines), ()))
        elif block.language in ("text", "json") and block.follows is not None and block.follows.language == "sh":
            read[-1] = Command(read[-1].line, read[-1].text, block.lines)
        elif block.language == "console":
            read += _typed(block)
    return read


def _typed(block: Block) -> list[Command]:
    """The commands of a console block; a command goes on in lines behind `> `."""
    read: list[Command] = []
    for number, line in enumerate(block.lines, block.line):
        if line.startswith("$ "):
            read.append(Command(number, line[2:], ()))
        elif (line.startswith("> ") or line == ">") and not read[-1].prints:
            read[-1] = Command(read[-1].line, f"{read[-1].text}\n{line[2:]}", ())
        else:
            read[-1] = Command(read[-1].line, read[-1].text, (*read[-1].prints, line))
    return read


def checkout(folder: Path) -> None:
    """Make a folder that holds the project's files, committed to a repository of its own."""
    for name in project_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    _git(folder, "init", "--quiet")
    (folder / ".git" / "info" / "exclude").write_text("/.venv\n")
    _git(folder, "add", "--all")
    _git(folder, "-c", "user.name=A Reader", "-c", "user.email=reader@example.org", "commit", "--quiet", "-m", "Copy")


def left_in(copy: Path) -> list[str]:
    """A fault for each file that git would list as changed or added in a checkout; ignored files do no harm."""
    listed = _git(copy, "status", "--porcelain", "--untracked-files=all").splitlines()
    return [f"left in the checkout, where the next `make test` finds it: {line}" for line in listed]


def _git(folder: Path, *words: str) -> str:
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    surroundings |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *words], cwd=folder, env=surroundings, capture_output=True, text=True, check=True)
    return done.stdout


def followed(written: list[Command], folder: Path, port: str, **replaced: str) -> list[str]:
    """The faults of a document whose commands are followed in a fresh checkout inside this empty folder.

    A fault is an output that differs from the document, or a file that the commands leave among the project's own.
    The reader's home folder is outside the checkout.
    """
    copy, home = folders(folder)
    return compared(written, run(written, copy, port, home, **replaced)) + left_in(copy)


def folders(folder: Path) -> tuple[Path, Path]:
    """A fresh checkout inside an empty folder, and next to it a home for the reader."""
    copy, home = folder / "accord", folder / "home"
    copy.mkdir()
    home.mkdir()
    checkout(copy)
    return copy, home


def run(written: list[Command], folder: Path, port: str, home: Path | None = None, **replaced: str) -> list[str]:
    """Run the commands in one shell in a folder, and give what each of them printed.

    `port` is the port in the document, which is replaced with a free one; `replaced` maps variables that a command
    exports to the values that they are to have here. A command that serves runs until the shell ends. A command that
    fails without its output being in the document has its exit code as its last line.
    """
    home = home or folder
    (folder / ".venv").symlink_to(sys.prefix)
    own_port = str(free_port())
    steps = [_step(command.text.replace(port, own_port), own_port, replaced) for command in written]
    script = "\n".join(["SERVER=", "trap '[ -z \"$SERVER\" ] || kill $SERVER; wait' EXIT", f"echo '{MARK}' 0", *steps])
    surroundings = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ACCORD_", "PYTEST_")) and not name.lower().endswith("_proxy")
    }
    surroundings |= {"HOME": str(home), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
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
    output = output.replace(own_port, port).replace(str(home), YOUR_HOME)
    _start, *parts = re.split(rf"{MARK} (\d+)\n", output)
    texts, codes = parts[1::2], parts[2::2]
    return [
        text if code == "0" or _is_shown(command) else f"{text}\nexit code {code}\n"
        for command, code, text in zip(written, codes, texts, strict=False)
    ]


def _is_shown(command: Command) -> bool:
    """Whether the document shows what the command prints, or a part of it."""
    return any(line.strip() != LEFT_OUT for line in command.prints)


def _step(text: str, port: str, replaced: dict[str, str]) -> str:
    exported = re.match(r"export (\w+)=", text)
    if exported and exported[1] in replaced:
        text = f"export {exported[1]}={shlex.quote(replaced[exported[1]])}"
    if text == "make .venv/installed":
        text = "test -x .venv/bin/accord"
    made = re.fullmatch(r"make demo(?: ARGS=\"(.*)\")?", text)
    if made:
        text = demo_recipe(made[1] or "")
        text += "" if "--port" in text else f" --port {port}"
    if made or text.startswith(".venv/bin/accord serve"):
        faults = "" if "2>" in text else " 2>&1"
        text = f"""{text.removesuffix(" &")} > "$HOME/served"{faults} & SERVER=$!
for _ in $(seq 300); do
    curl -s -o "$HOME/alive" http://127.0.0.1:{port}/livez && break
    kill -0 $SERVER || break
    sleep 0.2
done
cat "$HOME"/served"""
    return f"{text}\necho '{MARK}' $?"


def demo_recipe(arguments: str) -> str:
    """The command that `make demo` runs, as the Makefile says."""
    recipe = re.search(r"^demo:.*\n\t@(.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert recipe is not None
    return recipe[1].replace("$(RUN)", ".venv/bin").replace("$(ARGS)", arguments).strip()


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
