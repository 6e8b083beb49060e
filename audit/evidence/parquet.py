"""Tables as Parquet bytes: the same frame gives the same bytes, whatever index or pandas metadata it carries."""

from __future__ import annotations

import io

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from audit.records import BadInput
from audit.tables import FLAG, REAL, TEXT, WHOLE, Table

ARROW = {TEXT: pa.string(), REAL: pa.float64(), WHOLE: pa.int64(), FLAG: pa.bool_()}


def plain_types(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with every column as nullable text, real, whole or flag, and a plain index."""
    return frame.reset_index(drop=True).astype({name: _plain_type(frame[name]) for name in frame})


def _plain_type(column: pd.Series) -> str:
    kinds = pd.api.types
    if kinds.is_bool_dtype(column.dtype):
        return FLAG
    if kinds.is_integer_dtype(column.dtype):
        return WHOLE
    return REAL if kinds.is_float_dtype(column.dtype) else TEXT


def table_bytes(table: Table, frame: pd.DataFrame) -> bytes:
    """Parquet bytes of ``frame`` conformed to ``table``; raises ``BadInput`` as ``Table.conform`` does."""
    plain = plain_types(table.conform(frame))
    schema = pa.schema([(name, ARROW[str(plain[name].dtype)]) for name in plain])
    arrow = pa.Table.from_pandas(plain, schema=schema, preserve_index=False, nthreads=1).replace_schema_metadata(None)
    out = io.BytesIO()
    pq.write_table(arrow, out, version="2.6", data_page_version="1.0", compression="zstd", store_schema=False)
    return out.getvalue()


def table_from(table: Table, data: bytes, where: str) -> pd.DataFrame:
    """The frame in ``data``, conformed to ``table``; raises ``BadInput`` naming ``where`` if it is not readable."""
    try:
        arrow = pq.read_table(io.BytesIO(data), use_threads=False)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"{where}: not a readable Parquet table ({reason}); restore it from a copy.") from error
    types = {ARROW[TEXT]: pd.StringDtype(), ARROW[REAL]: pd.Float64Dtype()}
    types |= {ARROW[WHOLE]: pd.Int64Dtype(), ARROW[FLAG]: pd.BooleanDtype()}
    return table.conform(arrow.to_pandas(types_mapper=types.get))
