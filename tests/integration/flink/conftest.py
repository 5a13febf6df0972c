"""A folder for the checkpoints of a job of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.layout import HERE
from streaming.settings import KafkaSettings


@pytest.fixture
def checkpoints(kafka: KafkaSettings) -> Iterator[Path]:
    """Where Flink's processes may write, who need not be whoever runs this test."""
    folder = HERE.stores / "flink" / kafka.topic_prefix.strip("-")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
