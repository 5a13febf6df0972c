"""Folders as one stream (tar), written while others change them, and unpacked beside what they replace.

Root follows no link there (`streaming.data_folder.opening`): the folders belong to accounts of services.
"""

import os
import shutil
import stat
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from stack.backup.manifest import Refused
from stack.backup.sealing import Writable
from streaming.data_folder import atomic_file, opening

UNPACKED = ".restored"
"""The folder, beside what it replaces, into which an archive is unpacked."""


class Shrank(OSError):
    """A file became shorter while it was read."""


def pack(folder: Path, names: Iterable[str], out: Writable) -> list[str]:
    """Writes the files and folders `names` of `folder` to `out`. What vanishes meanwhile, or is just being
    written (`.unfinished`), is left out, as it would be a moment later or earlier; everything else that is no
    file is named in what is returned. Raises OSError for what cannot be read."""
    left_out: list[str] = []
    with (
        tarfile.open(fileobj=cast(BinaryIO, out), mode="w|", format=tarfile.PAX_FORMAT) as tar,
        suppress(FileNotFoundError),  # of the folder: there is nothing
        opening.folder(folder) as inside,
    ):
        for name in sorted(names):
            _pack(tar, name, name, inside, left_out)
    return left_out


def _pack(tar: tarfile.TarFile, path: str, name: str, inside: int, left_out: list[str]) -> None:
    if name.endswith((atomic_file.UNFINISHED, UNPACKED)):
        return
    try:
        kind = os.stat(name, dir_fd=inside, follow_symlinks=False).st_mode
        if stat.S_ISDIR(kind):
            _pack_folder(tar, path, name, inside, left_out)
        elif stat.S_ISREG(kind):
            _pack_file(tar, path, name, inside)
        elif not stat.S_ISSOCK(kind):
            left_out.append(f"{path}: {'a link' if stat.S_ISLNK(kind) else 'no file'}")
    except FileNotFoundError:
        return  # it alone has vanished: what is beside it is packed all the same


def _pack_folder(tar: tarfile.TarFile, path: str, name: str, inside: int, left_out: list[str]) -> None:
    here = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=inside)
    try:
        entry = tarfile.TarInfo(path)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o700
        tar.addfile(entry)
        with os.scandir(here) as entries:
            names = sorted(one.name for one in entries)
        for one in names:
            _pack(tar, f"{path}/{one}", one, here, left_out)
    finally:
        os.close(here)


def _pack_file(tar: tarfile.TarFile, path: str, name: str, inside: int) -> None:
    with os.fdopen(opening.existing(name, inside, os.O_RDONLY), "rb") as file:
        found = os.fstat(file.fileno())
        entry = tarfile.TarInfo(path)
        entry.size, entry.mtime = found.st_size, int(found.st_mtime)  # of one that grows, what there is now
        entry.mode = stat.S_IMODE(found.st_mode) & 0o700
        try:
            tar.addfile(entry, file)
        except OSError as error:
            if os.fstat(file.fileno()).st_size < found.st_size:
                raise Shrank(f"{path} became shorter while it was backed up: back up again") from error
            raise


def unpack(archive: BinaryIO, folder: Path, replaced: Iterable[str]) -> int:
    """Puts what `archive` holds into `folder`, in the place of `replaced` (names in it) and of what has the
    same names. Nothing is replaced before all is unpacked; a call that was killed can be made again. Returns
    the number of files. Raises Refused for an archive that `pack` did not write."""
    with opening.folder(folder, 0o700) as inside:
        fresh = folder / UNPACKED
        _remove(UNPACKED, inside)
        count, names = 0, list[str]()
        with opening.folder(fresh, 0o700), tarfile.open(fileobj=archive, mode="r|") as tar:
            for entry in tar:
                path = _checked(entry)
                if not names or not path.is_relative_to(names[-1]):
                    names.append(entry.name)  # one of those that were packed
                if entry.isdir():
                    with opening.folder(fresh / path, 0o700):
                        continue
                content = tar.extractfile(entry)
                assert content is not None
                _write(fresh / path, content, entry)
                count += 1
        for name in sorted({*names, *replaced} - {UNPACKED}):
            _remove(name, inside)
            if name in names:
                with opening.folder((folder / name).parent, 0o700):
                    os.rename(f"{UNPACKED}/{name}", name, src_dir_fd=inside, dst_dir_fd=inside)
        _remove(UNPACKED, inside)
    return count


def files(folder: Path, names: Iterable[str]) -> Iterator[Path]:
    """Yields the files among `names` of `folder`, and those in the folders among them."""
    for name in names:
        top = folder / name
        if top.is_file():
            yield top
        for path, _, found in os.walk(top):
            yield from (Path(path) / one for one in found)


def _checked(entry: tarfile.TarInfo) -> PurePosixPath:
    path = PurePosixPath(entry.name)
    if path.is_absolute() or ".." in path.parts or not path.parts or not (entry.isdir() or entry.isreg()):
        raise Refused("the archive holds what a backup never does")
    return path


def _write(path: Path, content: IO[bytes], entry: tarfile.TarInfo) -> None:
    with opening.folder(path.parent, 0o700) as inside:
        opened = opening.new(path.name, inside, os.O_WRONLY, (entry.mode & 0o700) or 0o600)
        with os.fdopen(opened, "wb") as file:
            shutil.copyfileobj(content, file, 1 << 20)
        os.utime(path.name, (entry.mtime, entry.mtime), dir_fd=inside, follow_symlinks=False)


def _remove(name: str, inside: int) -> None:
    try:
        kind = os.stat(name, dir_fd=inside, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(kind):
        shutil.rmtree(name, dir_fd=inside)
    else:
        opening.remove(name, inside)
