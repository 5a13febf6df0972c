"""Nothing of the running stack can be reached from another machine."""

import ipaddress

import psutil

from stack.context import this_checkout
from stack.supervisor import Supervisor


def test_everything_listens_on_loopback() -> None:
    listening = [
        (name, connection.laddr)
        for name, process in Supervisor(this_checkout().layout).processes().items()
        if process.pid
        for one in (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True))
        for connection in one.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {"kafka", "flink-taskmanager", "airflow-api-server"} <= {name for name, _ in listening}
    beyond = [(name, at) for name, at in listening if not _is_loopback(at.ip)]
    assert not beyond


def _is_loopback(ip: str) -> bool:
    address = ipaddress.ip_address(ip)
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
