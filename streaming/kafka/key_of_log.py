"""Asks the log with which key its pseudonyms were made."""

from streaming.contract import topics
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.pseudonym_key import key_ids, require_same
from streaming.kafka.committed_log import CommittedLog
from streaming.settings import KafkaSettings


def require_log_of(settings: KafkaSettings, pseudonyms: Pseudonyms) -> None:
    """Raises OtherKey if the newest valid session that is visible has pseudonyms of another key."""
    newest = CommittedLog(settings).newest_first(topics.VALID)
    require_same(key_ids(newest, pseudonyms), pseudonyms, "the log")
