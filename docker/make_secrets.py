"""Writes the folder docker/secrets with fresh passwords, a file for each service that shows or checks one.

Only you can enter the folder (0700). The files in it are readable to all (0444), because Compose mounts a
file with its mode, and each container has a user of its own. A folder that is there already is left as it
is: MongoDB and PostgreSQL keep the passwords they were first started with. Standard library only."""

import base64
import hashlib
import json
import os
import secrets
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import principals

from streaming.dedup.redis.commands import DEFAULT_USER

TRUSTED = "/certificates/trusted"
"""Where containers find the stores' certificates."""
JAVA_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SHADED = "org.apache.flink.kafka.shaded."
"""Where Flink's connector keeps its copy of Kafka's client."""
PBKDF2_ROUNDS = 10_000
"""What the hash of Elasticsearch's file realm says it took; passwords of 192 random bits need no more."""


def fresh() -> str:
    """Returns a new password: letters and digits only, because some become part of an address."""
    return secrets.token_hex(24)


def kafka(passwords: dict[str, str]) -> dict[str, str]:
    """Returns the files for Kafka: the broker's list of users, and the login of each."""
    users = " ".join(f'user_{name}="{password}"' for name, password in passwords.items())
    own = f'username="broker" password="{passwords["broker"]}"'
    files = {"kafka_users": f"jaas={JAVA_LOGIN} required {own} {users};\n"}
    for name in ("gate", "store", "index", "watch", "airflow", "operator", "setup"):
        files[f"{name}_kafka"] = json.dumps(librdkafka(name, passwords[name]))
    java = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": f"{TRUSTED}/kafka.pem",
    }
    files["flink_kafka"] = json.dumps(
        java | {"sasl.jaas.config": f"{SHADED}{_login('flink', passwords['flink'])}"}
    )
    health = java | {"sasl.jaas.config": _login("health", passwords["health"])}
    files["health_kafka"] = "".join(f"{key}={value}\n" for key, value in health.items())
    return files


def _login(name: str, password: str) -> str:
    return f'{JAVA_LOGIN} required username="{name}" password="{password}";'


def librdkafka(name: str, password: str) -> dict[str, str]:
    """Returns the client properties with which `name` logs in to Kafka."""
    return {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": name,
        "sasl.password": password,
        "ssl.ca.location": f"{TRUSTED}/kafka.pem",
    }


def redis(passwords: dict[str, str]) -> dict[str, str]:
    """Returns the files for Redis: its list of users, which holds hashes, and the address of each."""
    rules = {name: " ".join(of_name) for name, of_name in principals.REDIS_RIGHTS.items()}
    lines = [
        f"user {name} on #{hashlib.sha256(word.encode()).hexdigest()} {rules[name]}"
        for name, word in passwords.items()
    ]
    files = {"redis_users": "".join(f"{line}\n" for line in (DEFAULT_USER, *lines))}
    for name in ("gate", "watch", "airflow", "operator"):
        address = f"rediss://{name}:{passwords[name]}@redis:6379/0?ssl_ca_certs={TRUSTED}/redis.pem"
        files[f"{name}_redis"] = address
    return files | {"health_redis": passwords["health"]}


def mongodb(passwords: dict[str, str]) -> dict[str, str]:
    """Returns the files for MongoDB: its first user's password, its users, and the address of each."""
    files = {"mongodb_root": fresh(), "mongodb_users": json.dumps(passwords)}
    options = f"authSource=vitrine&tls=true&tlsCAFile={TRUSTED}/mongodb.pem"
    for name, password in passwords.items():
        files[f"{name}_mongodb"] = f"mongodb://{name}:{password}@mongodb:27017/?{options}"
    return files


def elasticsearch(passwords: dict[str, str]) -> dict[str, str]:
    """Returns the files for Elasticsearch and Kibana: the list of users, which holds hashes, and the
    passwords."""
    files = {
        "elasticsearch_users": "".join(f"{name}:{pbkdf2(word)}\n" for name, word in passwords.items()),
        # What curl reads: a password on its command line could be seen by others.
        "health_elasticsearch": f'user = "health:{passwords["health"]}"\n',
        "importer_elasticsearch": f'user = "importer:{passwords["importer"]}"\n',
        "kibana_settings": kibana(passwords["kibana"]),
    }
    for name in ("index", "watch", "airflow", "operator", "analyst"):
        files[f"{name}_elasticsearch"] = passwords[name]
    return files


def pbkdf2(password: str) -> str:
    """Returns the hash of a password as Elasticsearch writes it (xpack.security.authc.password_hashing)."""
    salt = secrets.token_bytes(32)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, PBKDF2_ROUNDS, dklen=32)
    encoded = (base64.b64encode(one).decode() for one in (salt, digest))
    return "{PBKDF2}" + "$".join([str(PBKDF2_ROUNDS), *encoded])


def kibana(password: str) -> str:
    """Returns kibana.yml. It is a secret as a whole: Kibana's image puts variables on the command line."""
    return json.dumps(
        {
            "server.host": "0.0.0.0",
            "elasticsearch.hosts": ["https://elasticsearch:9200"],
            "elasticsearch.ssl.certificateAuthorities": [f"{TRUSTED}/elasticsearch.pem"],
            "elasticsearch.username": "kibana",
            "elasticsearch.password": password,
            "xpack.security.encryptionKey": fresh(),
            "xpack.encryptedSavedObjects.encryptionKey": fresh(),
            "xpack.reporting.encryptionKey": fresh(),
            "telemetry.optIn": False,
            "path.data": "/tmp/kibana",
        },
        indent=1,
    )


def airflow(files: dict[str, str], kafka_password: str, mongodb_password: str) -> dict[str, str]:
    """Returns the files of Airflow itself. `files`: those of its database."""
    log = {"bootstrap.servers": "kafka:9092", "group.id": "extract_sessions", "auto.offset.reset": "earliest"}
    log |= {"isolation.level": "read_committed", **librdkafka("airflow", kafka_password)}
    options = {"authSource": "vitrine", "tls": "true", "tlsCAFile": f"{TRUSTED}/mongodb.pem"}
    connections = {
        "kafka_default": {"conn_type": "kafka", "extra": log | {"enable.auto.commit": False, "log_level": 3}},
        "mongo_default": {
            "conn_type": "mongo",
            "host": "mongodb:27017",
            "login": "airflow",
            "password": mongodb_password,
            "extra": options,
        },
    }
    address = f"postgresql+psycopg2://airflow:{files['postgres_airflow']}@postgres:5432/airflow"
    return {
        "airflow_admin": fresh(),
        "airflow_connections": json.dumps(connections),
        "airflow_database": address,
        "airflow_fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "airflow_api": fresh(),
        "airflow_jwt": fresh() + fresh(),
    }


def every() -> dict[str, str]:
    """Returns the content of each file by its name, new at every call."""
    of_kafka, of_redis, of_mongodb, of_elasticsearch = (
        {name: fresh() for name in names}
        for names in (principals.KAFKA, principals.REDIS, principals.MONGODB, principals.ELASTICSEARCH)
    )
    postgres = {"postgres_root": fresh(), "postgres_airflow": fresh()}
    keys = {"import_keys": fresh(), "pseudonym_key": fresh()}
    return (
        kafka(of_kafka)
        | redis(of_redis)
        | mongodb(of_mongodb)
        | elasticsearch(of_elasticsearch)
        | postgres
        | keys
        | airflow(postgres, of_kafka["airflow"], of_mongodb["airflow"])
    )


def main(target: Path) -> int:
    """Writes the folder `target`; 1 if it is there already."""
    try:
        target.mkdir(mode=0o700)
    except FileExistsError:
        print(f"{target} is there already and was left as it is", file=sys.stderr)
        return 1
    for name, content in every().items():
        descriptor = os.open(target / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, 0o444)  # whatever the umask
            file.write(content)
    print(
        f"{target} written. Airflow's login is admin, its password in the file airflow_admin; "
        "Kibana's is analyst, its password in analyst_elasticsearch",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("secrets")))
