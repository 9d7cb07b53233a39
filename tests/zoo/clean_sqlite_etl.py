# Rows go from CSV text through SQLite in memory into a small summary.
import csv
import io
import sqlite3

import ordinary


def batch(rows):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows((row.number, row.user, len(row.body)) for row in rows)
    text.seek(0)
    return csv.reader(text)


def main():
    base = sqlite3.connect(":memory:")
    base.execute("create table visits (number integer, user text, size integer)")
    rows = []
    for request in ordinary.requests(2000):
        rows.append(request)
        if len(rows) == 100:
            base.executemany("insert into visits values (?, ?, ?)", batch(rows))
            base.execute("delete from visits where number < ?", (request.number - 500,))
            rows.clear()
    return dict(base.execute("select user, sum(size) from visits group by user"))


SUMMARY = main()
