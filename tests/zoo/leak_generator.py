# A generator that is never finished keeps all it has seen in a local variable.
# HOLDER: @holder
# BIRTH: @birth
import ordinary


def running_report():
    seen = []  # @holder
    report = ""
    while True:
        request = yield report
        seen.append(request.body + request.url * 20)  # @birth
        report = f"{len(seen)} seen"


def main():
    report = running_report()
    next(report)
    for request in ordinary.requests(3000):
        report.send(request)
    return report


REPORT = main()
