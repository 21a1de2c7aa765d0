"""The prompt driven through a real terminal: editing, completion, history, colours, interrupts."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pexpect = pytest.importorskip("pexpect", reason="the terminal is driven by pexpect")

PROGRAM = "from raspc.text.repl import main; raise SystemExit(main())"
UP, TAB, CONTROL_C, CONTROL_D, LEFT = "\x1b[A", "\t", "\x03", "\x04", "\x1b[D"


class Terminal:
    """A sitting in a pseudo-terminal of 100 columns."""

    def __init__(self, state: Path) -> None:
        environment = {
            **os.environ,
            "XDG_STATE_HOME": str(state),
            "TERM": "xterm-256color",
            "PROMPT_TOOLKIT_NO_CPR": "1",
        }
        self.child = pexpect.spawn(
            sys.executable, ["-c", PROGRAM], env=environment, encoding="utf-8", timeout=30, dimensions=(40, 100)
        )
        self.child.expect("RASP: statements end with ;")
        self.child.expect(">>")

    def type(self, text: str) -> None:
        """Keys, without Enter."""
        self.child.send(text)

    def enter(self, text: str = "") -> None:
        """Keys and Enter."""
        self.child.send(text + "\r")

    def sees(self, pattern: str) -> str:
        """What is printed up to this pattern, which has to come."""
        self.child.expect(pattern)
        return str(self.child.before + self.child.after)

    def ends(self) -> None:
        """The sitting ends with status 0."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        assert self.child.exitstatus == 0


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A sitting whose history begins empty."""
    found = Terminal(tmp_path)
    yield found
    found.child.close(force=True)


def test_a_sitting(terminal: Terminal) -> None:
    """Statements over several lines, examples, an error in colours, and the end."""
    terminal.enter("hist = selector_width(")
    terminal.sees(r"\.\.")
    terminal.enter("select(tokens, tokens, ==));")
    terminal.sees(re.escape('Example: hist("hello") = [1, 1, 2, 2, 1] (ints)'))
    terminal.enter("x = hsit;")
    text = terminal.sees(r"\^\^\^\^")
    assert 'did you mean "hist"' in text
    assert "\x1b[" in text.split("unknown name")[1], "the source line is coloured"
    terminal.enter('hist("aab");')
    terminal.sees(re.escape("=  [2, 2, 1] (ints)"))
    terminal.enter("exit")
    terminal.ends()


def test_completion_and_editing(terminal: Terminal) -> None:
    """Tab completes names of the library and of the sitting; the arrow keys edit the line.

    A completed word may be painted in two pieces, so only what was added is waited for.
    """
    terminal.enter("my_long_name = 5;")
    terminal.sees("value: my_long_name =  5")
    terminal.type("my_l" + TAB)
    terminal.sees("ong_name")
    terminal.type(" + 1;" + LEFT + "0")
    terminal.enter()
    terminal.sees("value: out =  15")
    terminal.type("selector_width_p" + TAB)
    terminal.sees("ure")
    terminal.type("(full_s);")
    terminal.enter()
    terminal.sees(r"\[5\]\*5")
    terminal.type(":comp" + TAB)
    terminal.sees("ile")
    terminal.enter()
    terminal.sees("write :compile NAME")


def test_history_is_kept(terminal: Terminal, tmp_path: Path) -> None:
    """The arrow up brings back the last line, in the same sitting and in the next."""
    terminal.enter("40 + 2;")
    terminal.sees("value: out =  42")
    terminal.type(UP)
    terminal.enter()
    terminal.sees("value: out =  42")
    terminal.type(CONTROL_D)
    terminal.ends()
    again = Terminal(tmp_path)
    again.type(UP)
    again.enter()
    again.sees("value: out =  42")
    again.child.close(force=True)


def test_interrupt(terminal: Terminal) -> None:
    """Control-C gives up an open statement and keeps the sitting."""
    terminal.enter("x = (1 +")
    terminal.sees(r"\.\.")
    terminal.type(CONTROL_C)
    terminal.sees(">>")
    terminal.enter("7;")
    terminal.sees("value: out =  7")


def test_an_unwritable_history_is_no_hindrance(tmp_path: Path) -> None:
    """Where no history can be kept the prompt works without."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    terminal = Terminal(blocked)
    terminal.enter("5;")
    terminal.sees("value: out =  5")
    terminal.child.close(force=True)
