"""The rows of erased persons leave the extracts; files keep their names and all other rows."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.person import extracts

SCHEMA = pa.schema(
    [("sessionPseudonym", pa.string()), ("userPseudonym", pa.string()), ("arrivedAtMs", pa.int64())]
)
rows = st.lists(
    st.builds(
        lambda user, at_ms: {
            "sessionPseudonym": f"{user} {at_ms}",
            "userPseudonym": user,
            "arrivedAtMs": at_ms,
        },
        st.sampled_from(["gone", "other", "third"]),
        st.integers(0, 9),
    ),
    max_size=12,
)


def write(file: Path, of: list[dict[str, Any]]) -> None:
    with pq.ParquetWriter(file, SCHEMA) as writer:
        for start in range(0, len(of), 3):
            writer.write_table(pa.Table.from_pylist(of[start : start + 3], schema=SCHEMA))


@given(st.lists(rows, min_size=1, max_size=3))
@settings(max_examples=40)
def test_only_what_came_before_the_request_goes(
    tmp_path_factory: Any, of: list[list[dict[str, Any]]]
) -> None:
    folder: Path = tmp_path_factory.mktemp("extracts")
    for at, some in enumerate(of):
        write(folder / f"part-{at}-{at + 1}.parquet", some)
    goes = [row for some in of for row in some if row["userPseudonym"] == "gone" and row["arrivedAtMs"] < 5]
    assert extracts.erase(folder, {"gone": 5, "nobody": 9}) == len(goes)
    assert extracts.erase(folder, {"gone": 5}) == 0
    left = [pq.read_table(file).to_pylist() for file in sorted(folder.iterdir())]
    assert left == [[row for row in some if row not in goes] for some in of]
    for file in folder.iterdir():
        if not any(row["userPseudonym"] == "gone" for row in pq.read_table(file).to_pylist()):
            assert b"gone" not in file.read_bytes()


def test_a_file_without_the_person_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "part-0-1.parquet"
    write(file, [{"sessionPseudonym": "s", "userPseudonym": "other", "arrivedAtMs": 1}])
    before = file.stat().st_mtime_ns
    assert extracts.erase(tmp_path, {"gone": 5}) == 0
    assert file.stat().st_mtime_ns == before


def test_a_file_of_an_earlier_release_goes_and_is_extracted_anew(tmp_path: Path) -> None:
    pq.write_table(pa.table({"userId": ["u1"]}), tmp_path / "part-0-1.parquet")
    extracts.erase(tmp_path, {"gone": 5})
    assert list(tmp_path.iterdir()) == []


def test_rows_of_a_person_are_found(tmp_path: Path) -> None:
    one = {"sessionPseudonym": "s", "userPseudonym": "gone", "arrivedAtMs": 1}
    write(tmp_path / "part-0-1.parquet", [one, one | {"userPseudonym": "other"}])
    assert list(extracts.rows_of(tmp_path, ["gone"])) == [one]
    assert list(extracts.rows_of(tmp_path / "none", ["gone"])) == []
