"""`aus.parquet`: the rows of `aus.csv`, typed, with units, thresholds and model in the file's metadata."""

import json
import re
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from idennet.errors import InputError
from idennet.files import draft_of
from idennet.inference.results_folder import ABOUT_NAME, CSV_NAME
from idennet.timelines.recording import reading

PARQUET_NAME = "aus.parquet"

METADATA_KEY = b"idennet"
"""Key of the file's metadata under which the text of `aus.json` is."""

_ROWS = 20_000  # read and written at a time

_KINDS: tuple[tuple[str, pa.DataType, str], ...] = (
    (r"frame|face|track|person|zero_looks", pa.int32(), "number"),
    (r"time", pa.float64(), "seconds from the start"),
    (r".+_(present|hidden)", pa.int8(), "1 or 0"),
    (r"AU\d+(_zeroed)?", pa.float32(), "probability, 0 to 1"),
    (r"AU\d+_(intensity|left|right)", pa.float32(), "intensity, 0 to 5"),
    (r"confidence|person_certainty", pa.float32(), "probability, 0 to 1"),
    (r"(box|lm)_[xy]\d+", pa.float32(), "pixels of the upright picture"),
    (r"yaw|pitch|roll", pa.float32(), "degrees"),
)
"""Pattern of a column's name, its type and its unit; all other columns are text."""


def field_of(name: str) -> pa.Field:
    """Return type and unit of a column of `aus.csv`."""
    for pattern, kind, unit in _KINDS:
        if re.fullmatch(pattern, name):
            return pa.field(name, kind, metadata={"unit": unit})
    return pa.field(name, pa.string())


def write_parquet(results: Path, out: Path) -> Path:
    """Write the table of a folder of `idennet detect --out` as Parquet and return its path.

    Rows are read and written in parts, so memory stays small however long the table is.

    Args:
        results: The folder.
        out: Folder of the file.

    Raises:
        InputError: The folder holds no results, or a cell is damaged.
        OSError: The file cannot be written; its `filename` says which.
    """
    try:
        about = (results / ABOUT_NAME).read_text(encoding="utf-8")
        names = pd.read_csv(results / CSV_NAME, nrows=0).columns
        json.loads(about)
    except (OSError, ValueError) as error:
        raise InputError(f"{results} holds no results of idennet detect --out.") from error
    schema = pa.schema([field_of(name) for name in names], metadata={METADATA_KEY: about})
    types: dict[Hashable, Any] = {field.name: _pandas_type(field.type) for field in schema}
    path = out / PARQUET_NAME
    # only what is empty is unknown: somebody may be called NA, None or null
    parts = pd.read_csv(
        results / CSV_NAME, dtype=types, chunksize=_ROWS, keep_default_na=False, na_values=[""]
    )
    with (
        draft_of(path) as draft,
        draft.open("wb") as file,
        pq.ParquetWriter(file, schema, compression="zstd") as writer,
    ):
        for table in _tables(parts, schema, results / CSV_NAME):
            writer.write_table(table)
    return path


def _tables(parts: Iterator[pd.DataFrame], schema: pa.Schema, source: Path) -> Iterator[pa.Table]:
    while True:
        with reading(source):
            part = next(parts, None)
            table = None if part is None else pa.Table.from_pandas(part, schema=schema, preserve_index=False)
        if table is None:
            return
        yield table


def _pandas_type(kind: pa.DataType) -> object:
    if pa.types.is_integer(kind):
        return pd.Int32Dtype()
    return np.dtype(kind.to_pandas_dtype()) if pa.types.is_floating(kind) else str
