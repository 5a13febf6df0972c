"""Each user of the stores has one generated password, which nobody else can read."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stack import passwords
from stack.layout import Layout
from stack.principals import Principal


def test_a_password_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    made = {one: passwords.password(layout, one) for one in Principal}
    assert len(set(made.values())) == len(Principal)
    assert all(len(one) >= 43 and one.replace("-", "").replace("_", "").isalnum() for one in made.values())
    assert made == {one: passwords.password(layout, one) for one in Principal}
    for one in Principal:
        assert stat.S_IMODE(passwords.file(layout, one).stat().st_mode) == 0o600
    assert stat.S_IMODE(layout.passwords.stat().st_mode) == 0o700
    assert {path.name for path in layout.passwords.iterdir()} == set(Principal)


def test_of_two_processes_that_make_a_password_both_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(max_workers=8) as pool:
        made = list(
            pool.map(lambda _: passwords.password(Layout(tmp_path), Principal.GATE), range(40), timeout=60)
        )
    assert len(set(made)) == 1
