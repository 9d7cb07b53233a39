# Errors are kept for a report; their tracebacks keep the frames, and those their local variables.
# HOLDER: @holder
# BIRTH: @birth
import ordinary


class Report:
    def __init__(self):
        self.started = "now"
        self.errors = []  # @holder

    def add(self, error):
        self.errors.append(error)


def parse(request):
    buffer = bytearray(request.body.encode() * 20)  # @birth
    if request.number % 2:
        raise ValueError(f"bad request {request.number}")
    return len(buffer)


def main(report):
    for request in ordinary.requests(1500):
        try:
            parse(request)
        except ValueError as error:
            report.add(error)


REPORT = Report()
main(REPORT)
