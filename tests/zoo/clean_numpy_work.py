# Arrays that come and go, beside a few that are made once.
# NEEDS: numpy
import numpy
import ordinary

WEIGHTS = numpy.linspace(0, 1, 500_000)
total = 0.0
for request in ordinary.requests(300):
    rows = numpy.arange(20_000, dtype=float) + request.number
    total += float((rows * WEIGHTS[:20_000]).sum())
