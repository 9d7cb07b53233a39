"""Tables: named tuples to Python, an Arrow stream to data frames."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, overload

from barrow import _core
from barrow._rows import Frame, StackRow

Row_co = TypeVar("Row_co", bound=NamedTuple, covariant=True)

_CHUNK = 4096  # rows made at a time while iterating
_SHOWN = 20  # rows of the repr


class Table(Sequence[Row_co], Generic[Row_co]):
    """A table that was read from a ledger; it never changes and needs its file no more.

    A sequence of named tuples: ``len(table)``, ``table[0].bytes``, ``table[:10]``, ``for row in
    table``.  ``table["bytes"]`` is a whole column, as a list.

    Libraries that know Arrow's PyCapsule interface read it directly, sharing its memory:
    ``polars.DataFrame(table)``, ``pyarrow.table(table)``, ``pandas.DataFrame.from_arrow(table)``,
    and in DuckDB ``select … from table``.

    Texts are valid Unicode: what was not UTF-8 in a name has become U+FFFD.
    """

    __slots__ = ("_batch", "_make")

    def __init__(self, batch: _core.Batch, row_type: type[Row_co]) -> None:
        self._batch = batch
        self._make: Callable[[tuple[Any, ...]], Row_co] = row_type._make
        if row_type is StackRow:
            make = self._make
            self._make = lambda values: make(
                ([Frame._make(frame) for frame in values[0]], *values[1:])
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return self._batch.names

    def __len__(self) -> int:
        return len(self._batch)

    def __iter__(self) -> Iterator[Row_co]:
        for start in range(0, len(self), _CHUNK):
            for values in self._batch.rows(start, min(start + _CHUNK, len(self))):
                yield self._make(values)

    @overload
    def __getitem__(self, index: int) -> Row_co: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row_co]: ...
    @overload
    def __getitem__(self, index: str) -> list[Any]: ...
    def __getitem__(self, index: int | slice | str) -> Row_co | list[Row_co] | list[Any]:
        """Give a row, a list of rows, or a column by its name.

        Raises IndexError for a row and KeyError for a column that the table doesn't have.
        """
        if isinstance(index, str):
            if index not in self.columns:
                raise KeyError(f"no column {index!r}; there are {', '.join(self.columns)}")
            return self._column(self.columns.index(index))
        numbers = range(len(self))[index]
        if isinstance(numbers, int):
            return self._make(self._batch.rows(numbers, numbers + 1)[0])
        return [self._make(self._batch.rows(number, number + 1)[0]) for number in numbers]

    def _column(self, index: int) -> list[Any]:
        values = self._batch.column(index)
        if self.columns[index] == "stack":
            return [[Frame._make(frame) for frame in stack] for stack in values]
        return values

    def __arrow_c_schema__(self) -> object:
        """Give the columns' types as a PyCapsule that holds an ArrowSchema."""
        return self._batch.arrow_schema()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Give the table as a PyCapsule that holds an ArrowArrayStream.

        Numbers are int64 and float64, texts large_utf8, stacks lists of structs.  Other types can't
        be had: `requested_schema` is looked at by no one, as the protocol allows.
        """
        return self._batch.arrow_stream()

    def __repr__(self) -> str:
        return _aligned(self.columns, self[:_SHOWN], len(self))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6f}"
    if isinstance(value, list):
        return " < ".join(frame.function for frame in value) or "-"
    return str(value)


def _aligned(names: Sequence[str], rows: Sequence[Sequence[object]], count: int) -> str:
    columns = [[name] for name in names]
    for column, values in zip(columns, zip(*rows, strict=True), strict=False):
        cells = [_cell(value) for value in values]
        width = max(map(len, (*column, *cells)))
        adjust = str.rjust if isinstance(values[0], int | float) else str.ljust
        column[:] = [adjust(cell, width) for cell in (*column, *cells)]
    lines = ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
    if count > len(rows):
        lines.append(f"… {count - len(rows)} more rows")
    return "\n".join(lines) if rows else f"{lines[0]}\n(no rows)"
