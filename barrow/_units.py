"""Bytes, counts and classes in words."""


def bytes_words(count: int) -> str:
    """Write bytes as the command line does: "312 B", "1.2 KiB", "24 MiB"."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(value) < 1024 or unit == "TiB":
            break
        value /= 1024
    if unit == "B":
        return f"{count} B"
    return f"{value:.1f} {unit}" if abs(value) < 10 else f"{value:.0f} {unit}"


def class_name(cls: type) -> str:
    """Name a class: "package.module.Class"; builtins have no module."""
    module = getattr(cls, "__module__", None)
    name = str(getattr(cls, "__qualname__", cls))
    return name if module in (None, "builtins") else f"{module}.{name}"


def columns(rows: list[tuple[str, ...]], right: str) -> list[str]:
    """Lay out rows, the first of which is the heading, in columns.

    right: a character a column: ">" or "<".
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(right))]
    return [
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, right, widths, strict=True)).rstrip()
        for row in rows
    ]
