"""Generated files: what is stale is named and made anew, and nothing else is touched."""

import json
from pathlib import Path

import pytest

from lab import decisions_index, generated_files
from stack import commands, environments, locks
from stack.layout import Layout
from streaming.process.exit_code import ExitCode

RECORD = "# 7. A | claim\n\n- Status: overruled by 12\n- Date: 2026-11-23\n\n## Context\n- Date: never\n"


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A checkout in which one page is fresh, one stale and one missing; its locks are fresh."""
    wanted = {Path("docs/fresh.md"): "f", Path("docs/stale.md"): "s", Path("docs/models/new.md"): "n"}
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/fresh.md").write_text("f")
    (tmp_path / "docs/stale.md").write_text("old")
    monkeypatch.setattr(generated_files, "pages", lambda root: wanted)
    monkeypatch.setattr(locks, "stale", lambda layout, name: False)
    monkeypatch.setattr(generated_files, "HERE", Layout(tmp_path))
    return Layout(tmp_path)


def called(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, object]:
    arguments = commands.parse(["generate", "--json", *words])
    code = arguments.command(arguments)
    return code, json.loads(capsys.readouterr().out)


def test_stale_files_are_named_then_written_then_up_to_date(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = ["docs/models/new.md", "docs/stale.md"]
    assert called(capsys, "--check") == (ExitCode.NOT_SO, {"stale": stale})
    assert (layout.root / "docs/stale.md").read_text() == "old"
    assert called(capsys) == (ExitCode.DONE, {"written": stale})
    assert (layout.root / "docs/models/new.md").read_text() == "n"
    assert called(capsys, "--check") == (ExitCode.DONE, {"stale": []})


def test_only_a_stale_lock_is_resolved(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    resolved: list[str] = []
    monkeypatch.setattr(locks, "stale", lambda layout, name: name == "flink" and name not in resolved)
    monkeypatch.setattr(locks, "refresh", lambda layout, uv, name: resolved.append(name))
    monkeypatch.setattr(environments, "ensure_uv", lambda layout: "uv")
    code, found = called(capsys, "--check")
    assert code == ExitCode.NOT_SO
    assert isinstance(found, dict)
    assert "stack/locks/flink.txt" in found["stale"]
    assert resolved == []
    called(capsys)
    assert resolved == ["flink"]


def test_the_index_lists_each_record_by_its_head(tmp_path: Path) -> None:
    (tmp_path / "0007-a-claim.md").write_text(RECORD)
    (tmp_path / "0012-later.md").write_text("# 12. Later\n\n- Status: accepted\n- Date: 2026-11-29\n\nWhy.\n")
    (tmp_path / "README.md").write_text("# Decisions\n")
    page = decisions_index.index(decisions_index.records(tmp_path))
    assert page.splitlines()[-2:] == [
        "| 7 | [A \\| claim](0007-a-claim.md) | overruled by 12 | 2026-11-23 |",
        "| 12 | [Later](0012-later.md) | accepted | 2026-11-29 |",
    ]


HEADLESS = ("", "# A claim\n", "# 7. A\n\n- Status: accepted\n", RECORD.replace("7", "8", 1))


@pytest.mark.parametrize("text", HEADLESS)
def test_a_record_without_its_head_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"0007-a-claim\.md"):
        decisions_index.read("0007-a-claim.md", text)
