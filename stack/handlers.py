"""The commands that run the local stack: each calls a module, prints the result and returns an exit code.

A command imports what it needs when it runs, so that each loads only its own modules."""

import json
import shlex
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterable

from stack.context import this_checkout
from stack.layout import HERE
from stack.principals import Principal
from stack.service import Service
from stack.supervisor import end_of_log
from streaming.contract.visible import visible, visible_lines
from streaming.process.exit_code import ExitCode, InvalidRequest


def _print_json(found: object) -> None:
    print(visible(json.dumps(found, ensure_ascii=False)))


def up(arguments: Namespace) -> int:
    """Carries out `./vitrine up`. Returns its exit code."""
    from stack import lifecycle, status
    from stack import services as declared
    from stack.progress import Progress

    _require(arguments.services, declared.services(this_checkout()))
    with Progress() as progress:
        started = lifecycle.bring_up(arguments.services, progress.tell)
    _show_status(started, arguments.json)
    if fresh := status.new_logins(this_checkout()):
        print(fresh, file=sys.stderr)
    return ExitCode.DONE


def password(arguments: Namespace) -> int:
    """Carries out `./vitrine password`. Returns its exit code."""
    from stack import airflow_passwords, logins

    users = this_checkout().settings.users
    user = arguments.user or logins.first_admin(users)
    if user not in users:
        raise InvalidRequest(f"Airflow has no user {user}; there are: {', '.join(users)}")
    try:
        found = airflow_passwords.password(HERE, user)
    except KeyError:
        print(f"vitrine: {user} has no password before Airflow's next start: ./vitrine up", file=sys.stderr)
        return ExitCode.NOT_SO
    if arguments.json:
        _print_json({"user": user, "role": users[user], "password": found})
    else:
        print(visible(found))  # the account of Airflow may write the file
    return ExitCode.DONE


def down(arguments: Namespace) -> int:
    """Carries out `./vitrine down`. Returns its exit code."""
    from stack import lifecycle
    from stack import services as declared

    place = this_checkout()
    _require(arguments.services, declared.services(place))
    stopped = lifecycle.take_down(
        place, lambda name, state: print(f"{name}: {state}", file=sys.stderr), arguments.services
    )
    if arguments.json:
        _print_json({"stopped": stopped})
    elif not stopped:
        print("nothing to stop: it was not running", file=sys.stderr)
    return ExitCode.DONE


def status(arguments: Namespace) -> int:
    """Carries out `./vitrine status`. Returns its exit code."""
    from stack import services as declared

    healthy = _show_status(declared.services(this_checkout()), arguments.json)
    return ExitCode.DONE if healthy else ExitCode.NOT_SO


def _show_status(services: Iterable[Service], as_json: bool) -> bool:
    """Prints the state of `services`. True if all are healthy."""
    from stack import status

    place = this_checkout()
    found = status.rows(place, services)
    if as_json:
        _print_json(status.as_json(place, found))
    else:
        status.print_table(place, found)
    return all(row.healthy for row in found)


def logs(arguments: Namespace) -> int:
    """Carries out `./vitrine logs`. Returns its exit code."""
    from stack import services as declared

    if arguments.service != "supervisor":
        _require([arguments.service], declared.services(this_checkout()))
    log = HERE.log(arguments.service)
    if not log.exists():
        print(f"vitrine: {arguments.service} has not written a log yet", file=sys.stderr)
        return ExitCode.NOT_SO
    if arguments.json:
        lines = end_of_log(HERE, arguments.service, arguments.lines).splitlines()
        _print_json({"service": arguments.service, "path": str(log), "lines": lines})
        return ExitCode.DONE
    follow = ["-F"] if arguments.follow else []
    tail = ["tail", "-n", str(arguments.lines), *follow, str(log)]
    with subprocess.Popen(tail, stdout=subprocess.PIPE) as process:
        for line in process.stdout or ():
            print(visible_lines(line.decode(errors="replace")), end="", flush=True)
    return process.returncode


def _require(names: Iterable[str], services: Iterable[Service]) -> None:
    """Raises InvalidRequest, with the list of all services, if one of `names` is not a service."""
    known = [service.name for service in services]
    for name in names:
        if name not in known:
            raise InvalidRequest(f"there is no service {name}; there are: {', '.join(known)}")


def purge(arguments: Namespace) -> int:
    """Carries out `./vitrine purge`. Returns its exit code."""
    from dataclasses import asdict

    from stack import purge as removal
    from stack.progress import Progress
    from streaming.command_failure import carried_out
    from streaming.contract.visible import visible
    from streaming.purge.run import Purged, count

    def command() -> int:
        done = Purged(0, 0, 0, 0, 0)
        with Progress() as progress:
            if arguments.yes:
                removal.resume(arguments.feed, progress.tell)
            sessions = count(arguments.feed)
            if arguments.yes:
                done = removal.run(arguments.feed, progress.tell)
        found = {"feed": arguments.feed, **asdict(done), "done": arguments.yes}
        if not arguments.yes:
            found["sessions"] = sessions
        if arguments.json:
            _print_json(found)
        elif arguments.yes:
            print(f"{done.sessions} sessions of {visible(arguments.feed)} are removed")
        else:
            print(f"{sessions} sessions of {visible(arguments.feed)} would be removed: give --yes to do it")
        return ExitCode.DONE

    return carried_out(command, "The feed was not removed; give the same command again")


def resummarise(arguments: Namespace) -> int:
    """Carries out `./vitrine resummarise`. Returns its exit code."""
    from stack import resummarise
    from stack import services as declared
    from stack.progress import Progress

    with Progress() as progress:
        resummarise.run(progress.tell)
    if arguments.json:
        _show_status(declared.services(this_checkout()), as_json=True)
    return ExitCode.DONE


def settings(arguments: Namespace) -> int:
    """Carries out `./vitrine settings`. Returns its exit code."""
    from stack import settings_table

    rows = settings_table.rows()
    if arguments.json:
        _print_json(rows)
    else:
        print(visible_lines(settings_table.text(rows)))
    return ExitCode.DONE


def environment(arguments: Namespace) -> int:
    """Carries out `./vitrine environment`. Returns its exit code."""
    variables = this_checkout(principal=Principal(arguments.principal)).environment
    if arguments.json:
        _print_json(dict(variables))
    else:
        print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items())))
    return ExitCode.DONE


def demo(arguments: Namespace) -> int:
    """Carries out `./vitrine demo`. Returns its exit code."""
    from stack import demo

    outcome = demo.run(arguments.sessions, arguments.seed)
    if arguments.json:
        _print_json(outcome.as_json())
    return ExitCode.DONE if outcome.holds else ExitCode.NOT_SO


def bench(arguments: Namespace) -> int:
    """Carries out `./vitrine bench`. Returns its exit code."""
    from stack import benchmarks

    _print_json(benchmarks.run(arguments.name, arguments.minutes, arguments.file))
    return ExitCode.DONE


def test(arguments: Namespace) -> int:
    """Carries out `./vitrine test`. Returns its exit code."""
    from stack import test_runner

    outcomes = test_runner.run(arguments.kinds, arguments.pytest)
    found = test_runner.as_json(outcomes)
    if not outcomes:
        print(f"vitrine: no test matches {shlex.join(arguments.pytest)}", file=sys.stderr)
    if arguments.json:
        _print_json(found)
    elif outcomes:
        print(f"\n{test_runner.text(outcomes)}")
    return ExitCode.DONE if found["passed"] else ExitCode.NOT_SO
