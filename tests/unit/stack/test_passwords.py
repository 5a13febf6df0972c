"""Each user has another password in each store; they follow from one generated secret, which nobody else can
read."""

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stack import passwords
from stack.layout import Layout
from stack.principals import Principal, Store


def test_a_password_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    made = {one: passwords.generated(layout, one) for one in Principal}
    assert len(set(made.values())) == len(Principal)
    assert all(len(one) >= 43 and one.replace("-", "").replace("_", "").isalnum() for one in made.values())
    assert made == {one: passwords.generated(layout, one) for one in Principal}
    for one in Principal:
        assert stat.S_IMODE(passwords.file(layout, one).stat().st_mode) == 0o600
    assert stat.S_IMODE(layout.passwords.stat().st_mode) == 0o700
    assert {path.name for path in layout.passwords.iterdir()} == set(Principal)


def test_of_two_processes_that_make_a_password_both_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(max_workers=8) as pool:
        made = list(
            pool.map(lambda _: passwords.generated(Layout(tmp_path), Principal.GATE), range(40), timeout=60)
        )
    assert len(set(made)) == 1


def test_no_password_for_a_store_is_good_for_another_and_none_is_the_secret(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    made = {(store, one): passwords.of(layout, store, one) for store in Store for one in Principal}
    assert len(set(made.values())) == len(Store) * len(Principal)
    assert not set(made.values()) & {passwords.generated(layout, one) for one in Principal}
    assert made == {(store, one): passwords.of(layout, store, one) for store, one in made}
    assert all(re.fullmatch("[A-Za-z0-9_-]{43}", one) for one in made.values())


def test_passwords_stay_the_same_from_release_to_release() -> None:
    """Another derivation would have every store refuse what runs."""
    known = "Oj95VFfMJSMCGn8Qbgp26b6k4r67p_R_Kc7PWzBkrNs"
    assert passwords.derived("secret", Store.REDIS) == known
