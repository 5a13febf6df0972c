"""The client of Elasticsearch 8, and which of its failures pass."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from elastic_transport.client_utils import DEFAULT
from elasticsearch import ApiError, Elasticsearch, TransportError

from streaming.settings import ElasticsearchSettings
from streaming.stores import StoreUnavailable

PASSING = frozenset({408, 429, 500, 502, 503, 504})
NOT_FOUND = "index_not_found_exception"
_TIMEOUT_S = 60.0

P = ParamSpec("P")
T = TypeVar("T")


def client(settings: ElasticsearchSettings) -> Elasticsearch:
    """Returns a client that tries once: the stages wait and retry."""
    login = (settings.username, settings.password.get_secret_value()) if settings.username else None
    return Elasticsearch(
        settings.url,
        api_key=settings.api_key.get_secret_value() if settings.api_key else None,
        basic_auth=login,
        ca_certs=str(settings.ca_file) if settings.ca_file else DEFAULT,
        request_timeout=_TIMEOUT_S,
        max_retries=0,
        retry_on_timeout=False,
    )


def available(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls `call`; raises a transient failure as StoreUnavailable, any other as the client's own error."""
    try:
        return call(*args, **kwargs)
    except TransportError as error:
        raise StoreUnavailable(f"Elasticsearch does not answer ({type(error).__name__})") from error
    except ApiError as error:
        if error.status_code in PASSING or error.error == NOT_FOUND:
            raise StoreUnavailable(f"Elasticsearch answers {error.status_code} {error.error}") from error
        raise
