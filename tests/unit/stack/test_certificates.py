"""Keys are made locally, once, readable by their owner only, and replaced if broken, old or of other
hosts."""

import ssl
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from stack import certificates
from stack.identity import Identity

HOSTS = {"127.0.0.1", "localhost"}


@pytest.fixture
def made(tmp_path: Path) -> Identity:
    identity = Identity(tmp_path / "keys" / "rest")
    certificates.ensure(identity, HOSTS)
    return identity


def test_every_file_is_its_owners_alone(made: Identity) -> None:
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    files = list(made.folder.iterdir())
    assert set(files) == {made.certificate, made.key, made.store, made.password}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert list(made.folder.parent.iterdir()) == [made.folder]


def test_a_written_file_is_its_owners_alone_even_if_others_could_read_it_before(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("old")
    file.chmod(0o644)
    certificates.write(file, b"new")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new", 0o600)


def test_it_names_its_hosts_and_is_no_authority(made: Identity) -> None:
    certificate = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in named} == HOSTS
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_both_forms_hold_the_same_key(made: Identity) -> None:
    context = ssl.create_default_context(cafile=made.certificate)
    context.load_cert_chain(made.certificate, made.key)
    key = pkcs12.load_pkcs12(made.store.read_bytes(), made.password.read_bytes())
    assert key.cert is not None
    assert key.cert.certificate == x509.load_pem_x509_certificate(made.certificate.read_bytes())


def test_it_stays_the_same_at_the_next_start(made: Identity) -> None:
    before = {file.name: file.read_bytes() for file in made.folder.iterdir()}
    certificates.ensure(made, HOSTS)
    assert {file.name: file.read_bytes() for file in made.folder.iterdir()} == before


def test_two_of_them_share_nothing(made: Identity, tmp_path: Path) -> None:
    other = Identity(tmp_path / "keys" / "internal")
    certificates.ensure(other, HOSTS)
    for file in made.folder.iterdir():
        assert file.read_bytes() != (other.folder / file.name).read_bytes()


@pytest.mark.parametrize("file", ["certificate.pem", "key.pem", "store.p12", "password"])
@pytest.mark.parametrize("content", [None, b"", b"broken"])
def test_a_broken_certificate_is_replaced(made: Identity, file: str, content: bytes | None) -> None:
    before = made.certificate.read_bytes()
    (made.folder / file).unlink()
    if content is not None:
        (made.folder / file).write_bytes(content)
    certificates.ensure(made, HOSTS)
    assert made.certificate.read_bytes() != before
    assert pkcs12.load_pkcs12(made.store.read_bytes(), made.password.read_bytes()).key is not None


def test_a_certificate_of_other_hosts_is_replaced(made: Identity) -> None:
    before = made.certificate.read_bytes()
    certificates.ensure(made, {*HOSTS, "flink-jobmanager"})
    assert made.certificate.read_bytes() != before


def test_a_certificate_that_ends_within_a_year_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = Identity(tmp_path / "rest")
    monkeypatch.setattr(certificates, "VALIDITY", timedelta(days=364))
    certificates.ensure(identity, HOSTS)
    before = identity.certificate.read_bytes()
    monkeypatch.undo()
    certificates.ensure(identity, HOSTS)
    assert identity.certificate.read_bytes() != before


def test_a_users_pem_files_become_stores(made: Identity) -> None:
    store = certificates.store(made.certificate, made.key, "", "secret")
    assert pkcs12.load_pkcs12(store, b"secret").key is not None
    trusted = pkcs12.load_pkcs12(certificates.trust_store(made.certificate, "secret"), b"secret")
    assert len(trusted.additional_certs) == 1
    with pytest.raises(ValueError, match="PEM"):
        certificates.trust_store(made.key, "secret")
