"""Health of a stage in its container: its consumer group, named as the host, has a member with partitions."""

import socket
import sys

from stack.health import GroupHealth
from stack.service import Unhealthy
from streaming.settings import KafkaSettings

if __name__ == "__main__":
    kafka = KafkaSettings()
    group = kafka.topic_prefix + socket.gethostname()
    try:
        GroupHealth(kafka.bootstrap_servers, group, kafka.client_properties.get_secret_value()).check()
    except Unhealthy as error:
        sys.exit(str(error))
