"""A report with labels instead of the pseudonyms of sessions, for logs that analysts read. Pure."""

from collections.abc import Callable

from msgspec.structs import replace

from streaming.reconcile.report import Discrepancy, Report


def labelled(report: Report, label: Callable[[str], str]) -> Report:
    """Returns `report` with `label(pseudonym)` in the place of each session's pseudonym, also within ids of
    documents. The position of the raw record stays: with it, `./vitrine reconcile` names the session."""

    def one(found: Discrepancy) -> Discrepancy:
        if found.session is None:
            return found
        known = label(found.session)
        document = found.document and found.document.replace(found.session, known)
        return replace(found, session=known, document=document)

    return replace(report, breaks=[one(found) for found in report.breaks])
