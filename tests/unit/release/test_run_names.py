import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.run_names import file_name


def test_a_plain_name_stays() -> None:
    assert file_name("nightly-2026.1") == "nightly-2026.1"


def test_airflows_own_ids_stay_readable() -> None:
    assert re.fullmatch(
        r"manual__2026-11-24T00-08-38\.437125-00-00-[0-9a-f]{8}",
        file_name("manual__2026-11-24T00:08:38.437125+00:00"),
    )


@pytest.mark.parametrize("run_id", ["../../etc/passwd", ".hidden", "a b", "", "x" * 300, "ünïcode", "a\x00b"])
def test_a_run_name_is_always_one_safe_file_name(run_id: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", file_name(run_id))


@given(st.text(), st.text())
def test_different_ids_have_different_names(one: str, other: str) -> None:
    assert (file_name(one) == file_name(other)) == (one == other)
