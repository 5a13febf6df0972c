"""`./vitrine budget`: shows the privacy budget and what is spent of it, or sets it."""

import argparse
import sys
from functools import partial
from typing import Any

import msgspec

from ml.budget.account import Raise
from ml.budget.blocks import beginning_at
from ml.budget.condition import LedgerBroken
from ml.budget.ledger import Ledger, now
from ml.budget.mongo import stored_ledger
from ml.budget.overview import Overview, overview
from streaming.access_record.file import os_user, stored_record
from streaming.command_failure import carried_out
from streaming.contract.visible import visible
from streaming.process.exit_code import ExitCode, InvalidRequest


def run(arguments: argparse.Namespace) -> int:
    """Returns an ExitCode: INVALID_REQUEST if the budget cannot be set as requested."""
    return carried_out(partial(_show, arguments))


def _show(arguments: argparse.Namespace) -> int:
    ledger = stored_ledger()
    try:
        if arguments.action == "set":
            _set(ledger, arguments)
        elif arguments.action != "show":
            _go_on(ledger, arguments)
        seen, state = overview(ledger.account()), ledger.condition().state
    except LedgerBroken as broken:
        return _broken(broken, arguments.json)
    except ValueError as error:
        raise InvalidRequest(str(error)) from error
    if arguments.json:
        print(visible(msgspec.json.encode({"ledger": state} | _plain(seen)).decode()))
    else:
        print(_text(seen))
    return ExitCode.DONE


def _broken(broken: LedgerBroken, as_json: bool) -> int:
    found = broken.condition
    if as_json:
        told = {"ledger": found.state, "why": found.why, "remedy": found.remedy}
        print(visible(msgspec.json.encode(told).decode()))
    else:
        print(f"vitrine: {visible(str(broken))}", file=sys.stderr)
    return ExitCode.NOT_SO


def _go_on(ledger: Ledger, arguments: argparse.Namespace) -> None:
    if not (arguments.why or "").strip():
        raise ValueError(f"{arguments.action} needs --why, which is recorded")
    who, record = os_user(), stored_record()
    record.add(who, "budget change", f"{arguments.action} of the privacy ledger", why=arguments.why)
    step = ledger.adopt if arguments.action == "adopt" else ledger.accept_restored
    try:
        step(who.removeprefix("os:"), arguments.why)
    except ValueError:
        what = f"{arguments.action} of the privacy ledger"
        record.add(who, "budget change refused", what, why=arguments.why)
        raise


def _set(ledger: Ledger, arguments: argparse.Namespace) -> None:
    if arguments.epsilon is None or not (arguments.why or "").strip():
        raise ValueError("set needs --epsilon and --why, which is recorded")
    account = ledger.account()
    block = None if arguments.block is None else beginning_at(arguments.block, account.block_ms)
    delta = account.delta if block is None else account.block(block).delta
    who, record = os_user(), stored_record()
    change = Raise(
        at=now(),
        who=who.removeprefix("os:"),
        why=arguments.why,
        epsilon=arguments.epsilon,
        delta=arguments.delta or delta,
        block=block,
    )
    blocks = arguments.block or "new blocks"
    what = f"({change.epsilon:g}, {change.delta:g}) for {blocks} of {account.dataset}"
    record.add(who, "budget change", what, why=arguments.why)
    try:
        ledger.set_budget(change)
    except ValueError:
        record.add(who, "budget change refused", what, why=arguments.why)
        raise


def _plain(seen: Overview) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(seen)
    document["lifetime"] = {"epsilon": seen.lifetime, "delta": seen.delta, "charges": document.pop("charged")}
    for block in document["blocks"]:
        block["from"], block["to"] = block.pop("first"), block.pop("end")
    return document


def _text(seen: Overview) -> str:
    lines = [
        f"{seen.dataset}: one user's sessions of one block of {seen.block_days} days have a privacy loss of "
        f"at most ({seen.epsilon:g}, {seen.delta:g})",
    ]
    if not seen.blocks:
        lines.append("nothing has been charged yet")
    for block in seen.blocks:
        bar = "#" * round(20 * block.share)
        lines.append(
            f"  {block.first} to {block.end}  [{bar:20}] {block.spent:6.2f} of {block.epsilon:g} spent, "
            f"{block.left:.2f} left, {block.charges} charges"
        )
    if seen.charged:
        lines.append(
            f"a user who was in every block of all {seen.charged} charges has lost at most "
            f"({seen.lifetime:g}, {seen.delta:g})"
            + (", without charges that were lost" if seen.lifetime_incomplete else "")
        )
    for charge in seen.charges[:10]:
        state = "released" if charge.released else "charged, nothing released"
        lines.append(f"  {charge.at}  {charge.key}  {charge.what}: {charge.epsilon:.2f}, {state}")
    lines += [
        f"  {change['at']}  {change['who']} set {change['epsilon']:g} for {change['block'] or 'new blocks'}: "
        f"{change['why']}"
        for change in seen.raises[:10]
    ]
    lines += [
        f"  {deed['at']}  {deed['who']} went on with a ledger that was {deed['what']}: {deed['why']}"
        for deed in seen.acceptances
    ]
    return "\n".join(map(visible, lines))
