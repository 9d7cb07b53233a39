"""The program that the ledger of ledgers.py pretends to have recorded: views show its lines."""
import json
import sys


def read(paths):
    rows = []
    for path in paths:
        with open(path) as file:
            rows.extend(parse(line) for line in file)
    return rows


def parse(line):
    record = json.loads(line)
    record["name"] = record["name"].strip().title() + " of the house of names that go on and on"
    return record


class Index:
    def __init__(self, rows):
        self.by_name = {row["name"]: row for row in rows}
        self.tree = self.build(rows)

    def build(self, rows):
        if len(rows) < 2:
            return rows
        middle = len(rows) // 2
        return [self.build(rows[:middle]), self.build(rows[middle:])]


def main():
    index = Index(read(sys.argv[1:]))
    print(len(index.by_name))


main()
