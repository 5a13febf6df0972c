"""What `./vitrine` hands over to, in the main environment: the handler of each command, imported lazily."""

import argparse
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable

from pydantic import ValidationError

from stack import commands, saved_settings, settings_table
from stack.context import this_checkout
from stack.layout import HERE
from stack.machine import Missing
from stack.service import Service, StackContext, StackError
from stack.supervisor import end_of_log


def main() -> int:
    """Carries out one command. Returns its exit code."""
    arguments = commands.parser().parse_args()
    try:
        return _carry_out(arguments)
    except ValidationError as error:
        if not (wrong := settings_table.refused(error)):
            raise
        print("\n".join(f"vitrine: {line}" for line in wrong), file=sys.stderr)
        return 2


def _carry_out(arguments: argparse.Namespace) -> int:
    saved_settings.recall(HERE)
    place = this_checkout()
    # All handlers read their settings from the environment; the addresses come from one place.
    os.environ.update(place.environment)
    try:
        return HANDLERS[arguments.command](place, arguments)
    except StackError as error:
        print(f"vitrine: {error}", file=sys.stderr)
        if error.service and (end := end_of_log(place.layout, error.service)):
            print(f"--- the end of {place.layout.log(error.service)} ---\n{end}", file=sys.stderr)
        return 4
    except Missing as missing:
        print(f"vitrine: {missing}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130


def _print_json(found: object) -> None:
    json.dump(found, sys.stdout, ensure_ascii=False)
    sys.stdout.write("\n")


def _up(place: StackContext, arguments: argparse.Namespace) -> int:
    from stack import lifecycle, status
    from stack import services as declared
    from stack.progress import Progress

    if any(_is_no_service(name, declared.services(place)) for name in arguments.services):
        return 2
    with Progress() as progress:
        started = lifecycle.bring_up(arguments.services, progress.tell)
    found = status.rows(place, started)
    if arguments.json:
        _print_json(status.as_json(place, found))
    else:
        status.print_table(place, found)
    return 0


def _down(place: StackContext, arguments: argparse.Namespace) -> int:
    from stack import lifecycle

    stopped = lifecycle.take_down(place, lambda name, state: print(f"{name}: {state}", file=sys.stderr))
    if arguments.json:
        _print_json({"stopped": stopped})
    elif not stopped:
        print("nothing of this checkout was running", file=sys.stderr)
    return 0


def _status(place: StackContext, arguments: argparse.Namespace) -> int:
    from stack import services as declared
    from stack import status

    found = status.rows(place, declared.services(place))
    if arguments.json:
        _print_json(status.as_json(place, found))
    else:
        status.print_table(place, found)
    return 0 if all(row.healthy for row in found) else 1


def _logs(place: StackContext, arguments: argparse.Namespace) -> int:
    from stack import services as declared

    if arguments.service != "supervisor" and _is_no_service(arguments.service, declared.services(place)):
        return 2
    log = place.layout.log(arguments.service)
    if not log.exists():
        print(f"vitrine: {arguments.service} has not written a log yet", file=sys.stderr)
        return 1
    if arguments.json:
        _print_json(
            {"service": arguments.service, "path": str(log), "lines": _last(log.name, arguments.lines)}
        )
        return 0
    follow = ["-F"] if arguments.follow else []
    return subprocess.call(["tail", "-n", str(arguments.lines), *follow, str(log)])


def _is_no_service(name: str, services: Iterable[Service]) -> bool:
    """Whether none is called `name`; the reader is told which there are."""
    names = [service.name for service in services]
    if name in names:
        return False
    print(f"vitrine: there is no service {name}; there are: {', '.join(names)}", file=sys.stderr)
    return True


def _last(name: str, lines: int) -> list[str]:
    return end_of_log(HERE, name.removesuffix(".log"), lines).splitlines()


def _resummarise(place: StackContext, arguments: argparse.Namespace) -> int:
    from stack import resummarise, status
    from stack import services as declared
    from stack.progress import Progress

    with Progress() as progress:
        resummarise.run(progress.tell)
    if arguments.json:
        _print_json(status.as_json(place, status.rows(place, declared.services(place))))
    return 0


def _settings(place: StackContext, arguments: argparse.Namespace) -> int:
    rows = settings_table.rows()
    if arguments.json:
        _print_json(rows)
    else:
        print(settings_table.text(rows))
    return 0


def _demo(place: StackContext, arguments: argparse.Namespace) -> int:
    from stack import demo

    outcome = demo.run(arguments.sessions, arguments.seed)
    if arguments.json:
        _print_json(outcome.as_json())
    return 0 if outcome.holds else 1


def _ingest(place: StackContext, arguments: argparse.Namespace) -> int:
    from streaming.file_import.command import run

    return run(arguments.file, dict(arguments.assigned), arguments.json)


def _simulate(place: StackContext, arguments: argparse.Namespace) -> int:
    from streaming.simulate.command import run

    return run(arguments.sessions, arguments.seed, arguments.rate, arguments.json)


def _reconcile(place: StackContext, arguments: argparse.Namespace) -> int:
    from streaming.reconcile import last_verdict
    from streaming.reconcile.command import run

    outcome = run(arguments.json, arguments.timeout, arguments.start, arguments.end)
    return last_verdict.kept(outcome, whole=not (arguments.start or arguments.end))


def _recompute(place: StackContext, arguments: argparse.Namespace) -> int:
    from streaming.reconcile.recompute import run

    return run(arguments.json, arguments.timeout)


def _rejected(place: StackContext, arguments: argparse.Namespace) -> int:
    from streaming.replay.rejected_command import run

    return run(
        arguments.reason,
        arguments.start,
        arguments.end,
        count=arguments.count,
        everything=arguments.all,
        out=arguments.out,
        as_json=arguments.json,
    )


def _replay(place: StackContext, arguments: argparse.Namespace) -> int:
    from streaming.replay.command import run

    return run(arguments.file, arguments.reason, arguments.timeout, arguments.json)


def _distinct(place: StackContext, arguments: argparse.Namespace) -> int:
    from streaming.distinct.command import run

    return run(arguments)


def _evaluate(place: StackContext, arguments: argparse.Namespace) -> int:
    from ml.evaluate.command import run

    return run(arguments)


def _budget(place: StackContext, arguments: argparse.Namespace) -> int:
    from ml.budget.command import run

    return run(arguments)


def _score(place: StackContext, arguments: argparse.Namespace) -> int:
    from ml.score.command import run

    return run(arguments)


def _sentiment(place: StackContext, arguments: argparse.Namespace) -> int:
    from streaming.summaries.command import run

    return run(arguments.file, arguments.json)


def _torture(place: StackContext, arguments: argparse.Namespace) -> int:
    return int(importlib.import_module("lab.chaos.command").run(arguments))


def _audit(place: StackContext, arguments: argparse.Namespace) -> int:
    from ml.audit.command import run

    return run(arguments)


def _bench(place: StackContext, arguments: argparse.Namespace) -> int:
    from stack import benchmarks

    _print_json(benchmarks.run(arguments.name, arguments.minutes, arguments.file))
    return 0


def _test(place: StackContext, arguments: argparse.Namespace) -> int:
    from stack import test_runner

    outcomes = test_runner.run(arguments.kinds)
    if arguments.json:
        _print_json(test_runner.as_json(outcomes))
    else:
        print(f"\n{test_runner.text(outcomes)}")
    return 0 if test_runner.as_json(outcomes)["passed"] else 1


HANDLERS: dict[str, Callable[[StackContext, argparse.Namespace], int]] = {
    "up": _up,
    "down": _down,
    "status": _status,
    "logs": _logs,
    "resummarise": _resummarise,
    "settings": _settings,
    "demo": _demo,
    "ingest": _ingest,
    "simulate": _simulate,
    "reconcile": _reconcile,
    "recompute": _recompute,
    "rejected": _rejected,
    "replay": _replay,
    "distinct": _distinct,
    "evaluate": _evaluate,
    "budget": _budget,
    "score": _score,
    "sentiment": _sentiment,
    "torture": _torture,
    "audit": _audit,
    "bench": _bench,
    "test": _test,
}

if __name__ == "__main__":
    sys.exit(main())
