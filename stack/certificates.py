"""Makes keys and self-signed certificates on this machine when a service starts; none is ever shipped."""

import ipaddress
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stack.identity import Identity

VALIDITY = timedelta(days=3_650)
RENEWED_BEFORE = timedelta(days=365)
KEY_BITS = 3_072


def ensure(identity: Identity, hosts: Iterable[str]) -> None:
    """Makes the files of `identity` for the names and addresses `hosts`, unless they exist, match each other
    and are valid for another year: a browser that trusts the certificate keeps trusting it."""
    wanted = {_name(host) for host in hosts}
    if _sound(identity, wanted):
        return
    key = rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS)
    certificate = _self_signed(key, wanted)
    password = secrets.token_urlsafe(32)
    no_password = serialization.NoEncryption()
    identity.folder.parent.mkdir(parents=True, exist_ok=True)
    made = Identity(Path(tempfile.mkdtemp(dir=identity.folder.parent)))  # readable by its owner only
    write(made.certificate, certificate.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
    write(made.key, pem)
    write(made.password, password.encode())
    write(
        made.store,
        pkcs12.serialize_key_and_certificates(
            b"vitrine", key, certificate, None, BestAvailableEncryption(password.encode())
        ),
    )
    shutil.rmtree(identity.folder, ignore_errors=True)
    made.folder.rename(identity.folder)


def write(file: Path, content: bytes) -> None:
    """Writes `file` readable by its owner only, whatever the umask and the old file's mode."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)


def store(certificate: Path, key: Path, key_password: str, password: str) -> bytes:
    """Returns a PEM certificate (with its chain) and its PEM key as PKCS #12. Raises OSError, ValueError or
    TypeError (a password missing, or given but not needed) for other files."""
    first, *chain = x509.load_pem_x509_certificates(certificate.read_bytes())
    private = load_pem_private_key(key.read_bytes(), key_password.encode() or None)
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError(f"{key} is neither an RSA nor an elliptic-curve key")
    return pkcs12.serialize_key_and_certificates(
        b"vitrine", private, first, chain, BestAvailableEncryption(password.encode())
    )


def trust_store(authorities: Path, password: str) -> bytes:
    """Returns PEM certificates as a PKCS #12 that Java trusts. Raises OSError or ValueError."""
    trusted = [
        pkcs12.PKCS12Certificate(one, f"authority-{number}".encode())
        for number, one in enumerate(x509.load_pem_x509_certificates(authorities.read_bytes()))
    ]
    return pkcs12.serialize_java_truststore(trusted, BestAvailableEncryption(password.encode()))


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _sound(identity: Identity, hosts: set[x509.GeneralName]) -> bool:
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(
            identity.store.read_bytes(), identity.password.read_bytes()
        )
        same = x509.load_pem_x509_certificate(identity.certificate.read_bytes()) == certificate
        pem = load_pem_private_key(identity.key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return False
    if not same or key is None or certificate is None:
        return False
    if not certificate.public_key() == key.public_key() == pem.public_key():
        return False
    named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    ends = certificate.not_valid_after_utc - RENEWED_BEFORE
    return set(named) == hosts and certificate.not_valid_before_utc <= datetime.now(UTC) < ends


def _self_signed(key: rsa.RSAPrivateKey, hosts: set[x509.GeneralName]) -> x509.Certificate:
    """Returns a self-signed certificate that is no authority: trusting it means trusting no other one."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Vitrine on this machine")])
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_encipherment=True,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))  # a clock may be set back a little
        .not_valid_after(now + VALIDITY)
        .add_extension(x509.SubjectAlternativeName(sorted(hosts, key=repr)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(both, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
