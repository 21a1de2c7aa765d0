"""Every transcript of the repository prints what is written beside it; and the tester sees a difference."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.transcripts import difference, main, scripts


@pytest.mark.parametrize("script", scripts(), ids=lambda script: script.stem)
def test_transcripts(script: Path) -> None:
    """Line for line, blanks included."""
    assert difference(script) == ""


def test_there_are_many() -> None:
    """At least sixty scripts, none without its expectation, no expectation without its script."""
    assert len(scripts()) >= 60
    outs = {out.stem for script in scripts() for out in script.parent.glob("*.out")}
    assert outs == {script.stem for script in scripts()}


def test_a_difference_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What differs is shown as a patch, with status 1; `--write` settles it."""
    script = tmp_path / "a.rasp"
    script.write_text("1 + 1;\n")
    (tmp_path / "a.out").write_text("     value: out =  3\n")
    assert main([str(script)]) == 1
    shown = capsys.readouterr().out
    assert "-     value: out =  3" in shown
    assert "+     value: out =  2" in shown
    assert main(["--write", str(script)]) == 0
    assert main([str(script)]) == 0
    assert "1 transcripts agree" in capsys.readouterr().out
