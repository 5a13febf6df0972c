"""Health of one of Flink's containers: what the native stack asks of the service of that name."""

import sys

from stack.components import flink
from stack.place import here
from stack.service import Unhealthy

if __name__ == "__main__":
    [service] = [service for service in flink.services(here()) if service.name == sys.argv[1]]
    try:
        service.health.check()
    except Unhealthy as error:
        sys.exit(str(error))
