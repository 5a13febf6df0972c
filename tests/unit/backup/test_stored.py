"""A backup is whole or refused, whatever was done to its files."""

import os
from pathlib import Path

import pytest

from stack.backup import manifest, shelf, stored
from stack.backup.manifest import LogPositions, Manifest, Refused, SavedPart
from stack.backup.sealing import Sealing
from stack.backup.stored import StoredBackup
from streaming.process.exit_code import InvalidRequest

PASSPHRASE = b"correct horse battery staple"
KNOWN = {"mongodb": None, "data": None}
LOG = LogPositions("cluster topic", {"store": {"valid_customer_session": {0: 12, 1: 7}}})


def made(folder: Path, name: str, passphrase: bytes | None = None) -> Path:
    """Makes a backup of two parts."""
    backup = StoredBackup(folder / name, Sealing.fresh(passphrase) if passphrase else None)
    backup.folder.mkdir(parents=True)
    parts = []
    for part in KNOWN:
        with backup.writing(part) as (out, counted):
            out.write(b"the content of " + part.encode())
        parts.append(SavedPart(part, counted.bytes, counted.sha256))
    backup.finish(Manifest(manifest.FORMAT, name, "2026-11-30T08:00:00+00:00", LOG, tuple(parts)))
    return backup.folder


def verified(folder: Path, passphrase: bytes | None = None) -> Manifest:
    return stored.found(folder, passphrase).verified(KNOWN)


@pytest.fixture(params=[None, PASSPHRASE], ids=["plain", "encrypted"])
def passphrase(request: pytest.FixtureRequest) -> bytes | None:
    found: bytes | None = request.param
    return found


NAME, NEWER = "2026-11-30T08-00-00Z", "2026-11-30T09-00-00Z"


def test_it_comes_back_and_only_its_owner_can_read_it(tmp_path: Path, passphrase: bytes | None) -> None:
    folder = made(tmp_path, NAME, passphrase)
    found = verified(folder, passphrase)
    assert found.log == LOG
    for part in found.parts:
        with stored.found(folder, passphrase).reading(part) as content:
            assert content.read() == b"the content of " + part.name.encode()
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o077 == 0
        assert passphrase is None or b"content of" not in file.read_bytes()


def test_any_changed_torn_or_missing_file_is_refused(tmp_path: Path, passphrase: bytes | None) -> None:
    folder = made(tmp_path, NAME, passphrase)
    for file in sorted(folder.iterdir()):
        content = file.read_bytes()
        changed = bytes([content[-3] ^ 1])
        for altered in (content[:-1], content + b"x", content[:-3] + changed + content[-2:], b""):
            file.write_bytes(altered)
            with pytest.raises(Refused):
                verified(folder, passphrase)
        file.unlink()
        with pytest.raises(Refused):
            verified(folder, passphrase)
        file.write_bytes(content)
    assert verified(folder, passphrase)


def test_without_a_manifest_there_is_no_backup(tmp_path: Path, passphrase: bytes | None) -> None:
    made(tmp_path, NAME, passphrase)
    torn = made(tmp_path, NEWER, passphrase)
    for name in (stored.MANIFEST, stored.SEALED_MANIFEST):
        (torn / name).unlink(missing_ok=True)
    assert shelf.chosen(tmp_path, None).name == NAME
    with pytest.raises(Refused, match="torn"):
        shelf.chosen(tmp_path, NEWER)
    shelf.remove_torn(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == [NAME]


def test_an_encrypted_backup_cannot_be_swapped_for_a_plain_one(tmp_path: Path) -> None:
    plain, sealed = made(tmp_path / "planted", NAME), made(tmp_path, NAME, PASSPHRASE)
    with pytest.raises(Refused, match="is not encrypted"):
        verified(plain, PASSPHRASE)
    with pytest.raises(Refused, match="is encrypted"):
        verified(sealed)
    for file in plain.iterdir():  # beside the encrypted files
        (sealed / file.name).write_bytes(file.read_bytes())
    assert verified(sealed, PASSPHRASE)
    with pytest.raises(Refused, match="is encrypted"):
        verified(sealed)


def test_parts_of_two_encrypted_backups_cannot_be_mixed(tmp_path: Path) -> None:
    old, new = made(tmp_path, NAME, PASSPHRASE), made(tmp_path, NEWER, PASSPHRASE)
    (new / "data.sealed").write_bytes((old / "data.sealed").read_bytes())
    with pytest.raises(Refused, match="torn or altered"):
        verified(new, PASSPHRASE)


def test_an_old_backup_under_a_new_name_is_refused(tmp_path: Path, passphrase: bytes | None) -> None:
    old = made(tmp_path, NAME, passphrase)
    old.rename(tmp_path / NEWER)
    with pytest.raises(Refused, match="manifest of another backup"):
        verified(tmp_path / NEWER, passphrase)


def test_parts_that_this_version_does_not_know_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"another version .* \(parts data\)"):
        stored.found(made(tmp_path, NAME), None).verified({"mongodb": None})


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    names = [f"2026-11-{day:02d}T08-00-00Z" for day in range(1, 6)]
    for name in names:
        made(tmp_path, name)
    (tmp_path / "notes").mkdir()
    assert shelf.remove_oldest(tmp_path, 2) == names[:3]
    assert sorted(one.name for one in tmp_path.iterdir()) == [*names[3:], "notes"]


def test_the_largest_outlives_backups_of_less_than_half_its_size(tmp_path: Path) -> None:
    """A stack that has lost its data does not push out the last good one; nor do backups pile up."""
    assert shelf.twice_as_large(tmp_path) is None
    names = [f"2026-11-{day:02d}T08-00-00Z" for day in range(1, 6)]
    for name in names[:2]:
        (made(tmp_path, name) / "data").write_bytes(bytes(10_000))
    assert shelf.twice_as_large(tmp_path) is None
    for name in names[2:]:
        made(tmp_path, name)
        assert shelf.twice_as_large(tmp_path) == names[1]  # of two as large, the newer
    assert shelf.remove_oldest(tmp_path, 2, but=shelf.twice_as_large(tmp_path)) == [names[0], names[2]]
    assert sorted(one.name for one in tmp_path.iterdir()) == [names[1], *names[3:]]
    (made(tmp_path, NEWER) / "data").write_bytes(bytes(6_000))  # more than half
    assert shelf.remove_oldest(tmp_path, 2, but=shelf.twice_as_large(tmp_path)) == [names[1], names[3]]


def test_one_process_at_a_time_uses_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    with (
        shelf.locked(folder),
        pytest.raises(InvalidRequest, match="Another backup or restore"),
        shelf.locked(folder),
    ):
        pass
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    with pytest.raises(InvalidRequest, match="Others can read"), shelf.locked(folder):
        pass


def test_a_passphrase_is_long_and_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    with pytest.raises(InvalidRequest, match="cannot be read"):
        shelf.passphrase(file)
    file.write_text("short\n")
    file.chmod(0o600)
    with pytest.raises(InvalidRequest, match="less than 16"):
        shelf.passphrase(file)
    file.write_bytes(PASSPHRASE + b"\n")
    assert shelf.passphrase(file) == PASSPHRASE
    file.chmod(0o640)
    with pytest.raises(InvalidRequest, match="Others can read"):
        shelf.passphrase(file)
    assert shelf.passphrase(None) is None


def test_what_is_written_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = made(tmp_path, NAME)
    finally:
        os.umask(before)
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
