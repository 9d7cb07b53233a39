# Rows from CSV text through SQLite into typed records, with sums by day.
import collections
import csv
import datetime
import decimal
import io
import operator
import sqlite3
import uuid
from dataclasses import dataclass, field


@dataclass
class Order:
    key: uuid.UUID
    day: datetime.date
    amount: decimal.Decimal
    lines: list = field(default_factory=list)
    note: str = ""


def source(rows):
    text = io.StringIO()
    writer = csv.writer(text)
    for n in range(rows):
        writer.writerow([n, f"2024-{n % 12 + 1:02d}-{n % 28 + 1:02d}", n * 37 % 1000 / 8, f"Straße {n}"])
    text.seek(0)
    return csv.reader(text)


def main():
    base = sqlite3.connect(":memory:")
    base.row_factory = sqlite3.Row
    base.execute("create table orders (id integer primary key, day text, amount real, note text)")
    base.executemany("insert into orders values (?, ?, ?, ?)", source(8000))
    orders, by_day = {}, collections.defaultdict(decimal.Decimal)
    for row in base.execute("select * from orders"):
        day = datetime.date.fromisoformat(row["day"])
        amount = decimal.Decimal(str(row["amount"]))
        order = Order(uuid.UUID(int=row["id"] << 70), day, amount, [(row["id"], amount)], row["note"])
        orders[order.key] = order
        by_day[day] += amount
    best = sorted(by_day.items(), key=operator.itemgetter(1))[-5:]
    return base, orders, by_day, best


RESULT = main()
