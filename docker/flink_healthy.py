"""Health of one of Flink's containers: what the native stack asks of the service of that name."""

import sys

from stack.components import flink
from stack.context import this_checkout
from stack.service import Unhealthy

if __name__ == "__main__":
    [service] = [service for service in flink.services(this_checkout()) if service.name == sys.argv[1]]
    try:
        service.health.check()
    except Unhealthy as error:
        sys.exit(str(error))
