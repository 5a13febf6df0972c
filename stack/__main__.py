"""`python -m stack`: what `./vitrine` runs in the main environment. Runs the command that the line names."""

import os
import sys

from pydantic import ValidationError

from stack import checkout_owner, commands, file_modes, saved_settings, settings_table
from stack.checkout_owner import AnotherOwner
from stack.context import this_checkout
from stack.layout import HERE
from stack.machine import Missing
from stack.service import StackError
from stack.supervisor import end_of_log
from streaming.contract.visible import visible, visible_lines
from streaming.process.exit_code import ExitCode, InvalidRequest


def main() -> int:
    """Runs one command. Returns its exit code."""
    arguments = commands.parse(sys.argv[1:])
    file_modes.keep_new_files_private()
    try:
        saved_settings.recall(HERE)
        # Every command reads its settings from the environment, so all of them see the same addresses.
        os.environ.update(this_checkout().environment)
        return int(arguments.command(arguments))
    except InvalidRequest as error:
        return _ended(ExitCode.INVALID_REQUEST, visible(str(error)))
    except ValidationError as error:
        if not (wrong := settings_table.refused(error)):
            raise
        return _ended(ExitCode.INVALID_REQUEST, *wrong)
    except (Missing, AnotherOwner) as error:
        return _ended(ExitCode.UNAVAILABLE, str(error))
    except PermissionError as error:
        if (why := checkout_owner.reason(HERE)) is None:
            raise
        return _ended(ExitCode.UNAVAILABLE, f"{error}. {why}")
    except StackError as error:
        code = _ended(ExitCode.NOT_STARTED, str(error))
        if error.service and (end := end_of_log(HERE, error.service)):
            print(f"--- the end of {HERE.log(error.service)} ---\n{visible_lines(end)}", file=sys.stderr)
        return code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


def _ended(code: ExitCode, *messages: str) -> int:
    print("\n".join(f"vitrine: {visible_lines(message)}" for message in messages), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
