# A list that grows to some thousand rows, is written out, and is empty again.
import io

import ordinary


class Sink:
    def __init__(self):
        self.rows = []
        self.written = 0

    def add(self, row):
        self.rows.append(row)
        if len(self.rows) == 900:
            out = io.StringIO()
            for item in self.rows:
                print(item, file=out)
            self.written += len(out.getvalue())
            self.rows.clear()


SINK = Sink()
for request in ordinary.requests(2740):
    SINK.add({"number": request.number, "body": request.body * 4})
