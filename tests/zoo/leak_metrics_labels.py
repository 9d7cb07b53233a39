# A counter by labels, one of which is the request's own number: as many series as requests.
# HOLDER: @holder
# BIRTH: @birth
import ordinary


class Counter:
    def __init__(self, name):
        self.name = name
        self.series = {}  # @holder

    def labels(self, *values):
        series = self.series.get(values)
        if series is None:
            series = self.series[values] = Series(values)
        return series


class Series:
    __slots__ = ("buckets", "labels", "value")

    def __init__(self, labels):
        self.labels = labels
        self.value = 0.0
        self.buckets = [0.0] * 64  # @birth


REQUESTS = Counter("requests_total")
for request in ordinary.requests(3000):
    REQUESTS.labels(request.user, request.url).value += 1.5
