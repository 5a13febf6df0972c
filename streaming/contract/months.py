"""Calendar months (UTC): the unit in which Elasticsearch is sliced, and in which sessions expire. Pure."""

from datetime import UTC, datetime

from streaming.contract.period import END_OF_TIME_MS


def month_of(at_ms: int) -> str:
    """Returns the month of a moment, such as `2026-11`. Raises ValueError before 1970 and after 9999."""
    if not 0 <= at_ms <= END_OF_TIME_MS:
        raise ValueError(f"{at_ms} ms lie in no month from 1970 to 9999")
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment.year:04}-{moment.month:02}"


def begin_ms(month: str) -> int:
    """Returns the first moment of a month. Raises ValueError for what is no month."""
    return round(datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).timestamp() * 1000)


def end_ms(month: str) -> int:
    """Returns the first moment after a month. Raises ValueError for what is no month."""
    year, number = map(int, month.split("-"))
    return begin_ms(f"{year + number // 12:04}-{number % 12 + 1:02}")
