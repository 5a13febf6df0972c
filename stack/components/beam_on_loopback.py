"""Beam's gRPC servers on loopback.

Flink talks with its Python processes through Apache Beam, whose `ServerFactory` computes a loopback
address and then binds the port on every interface (`NettyServerBuilder.forPort`). There is no setting for
it, so one class of the release is given the call it means: `forAddress` with the address it has just
made. The class-file format is chapter 4 of the Java Virtual Machine Specification.
"""

import struct
import zipfile
from pathlib import Path

CLASS = "org/apache/beam/sdk/fn/server/ServerFactory$InetSocketAddressServerFactory.class"
_UTF8, _METHOD, _NAME_AND_TYPE = 1, 10, 12
_SIZES = {
    3: 4,
    4: 4,
    5: 8,
    6: 8,
    7: 2,
    8: 2,
    9: 4,
    10: 4,
    11: 4,
    12: 4,
    15: 3,
    16: 2,
    17: 4,
    18: 4,
    19: 2,
    20: 2,
}
_INVOKE_VIRTUAL, _INVOKE_STATIC, _NOP = b"\xb6", b"\xb8", b"\x00"


def write_jar(release: Path, jar: Path) -> None:
    """Writes `jar` with the mended class of the flink-python jar `release`; it must stand before that one
    on the class path. Raises ValueError if the class is not the one known here."""
    with zipfile.ZipFile(release) as shipped, zipfile.ZipFile(jar, "w") as ours:
        ours.writestr(CLASS, on_loopback(shipped.read(CLASS)))


def on_loopback(class_file: bytes) -> bytes:
    """`class_file` with `forPort(socket.getPort())` made `forAddress(socket)`. Raises ValueError if there is
    not exactly one such call."""
    count = struct.unpack_from(">H", class_file, 8)[0]
    at: dict[int, int] = {}  # where each constant begins
    position, index = 10, 1
    while index < count:
        at[index] = position
        tag = class_file[position]
        length = struct.unpack_from(">H", class_file, position + 1)[0] + 2 if tag == _UTF8 else _SIZES[tag]
        position += 1 + length
        index += 2 if tag in (5, 6) else 1

    def text(constant: int) -> str:
        start = at[constant] + 3
        return class_file[start : start + struct.unpack_from(">H", class_file, start - 2)[0]].decode()

    def pair(constant: int) -> tuple[int, int]:
        first, second = struct.unpack_from(">HH", class_file, at[constant] + 1)
        return first, second

    def method(owner: str, called: str) -> int:
        for constant, start in at.items():
            if class_file[start] == _METHOD:
                of, signature = pair(constant)
                named = text(struct.unpack_from(">H", class_file, at[of] + 1)[0])
                if named.endswith(owner) and text(pair(signature)[0]) == called:
                    return constant
        raise ValueError(f"{CLASS} does not call {owner}.{called}")

    get_port, for_port = (
        method("java/net/InetSocketAddress", "getPort"),
        method("NettyServerBuilder", "forPort"),
    )
    call = _INVOKE_VIRTUAL + struct.pack(">H", get_port) + _INVOKE_STATIC + struct.pack(">H", for_port)
    if class_file.count(call) != 1:
        raise ValueError(f"{CLASS} does not bind its port as it did")
    builder = text(pair(pair(for_port)[1])[1]).partition(")")[2]
    added = (
        _utf8("forAddress")
        + _utf8(f"(Ljava/net/SocketAddress;){builder}")
        + struct.pack(">BHH", _NAME_AND_TYPE, count, count + 1)
    )
    constants = bytearray(class_file[10:position] + added)
    struct.pack_into(">H", constants, at[for_port] - 10 + 3, count + 2)
    rest = class_file[position:].replace(call, 3 * _NOP + call[3:])
    return class_file[:8] + struct.pack(">H", count + 3) + bytes(constants) + rest


def _utf8(value: str) -> bytes:
    return struct.pack(">BH", _UTF8, len(value)) + value.encode()
