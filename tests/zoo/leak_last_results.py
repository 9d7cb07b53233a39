# A list of results that a long-running script only ever appends to.
# HOLDER: @holder
# BIRTH: @birth
import dataclasses

import ordinary


@dataclasses.dataclass
class Result:
    url: str
    scores: list


def score(request):
    scores = [n * 0.5 + request.number for n in range(60)]  # @birth
    return Result(request.url, scores)


results = []  # @holder
for request in ordinary.requests(1500):
    results.append(score(request))
