# Failed jobs are put back with their history, and the history of each contains the one before.
# HOLDER: @holder
# BIRTH: @birth
import heapq

import ordinary


class Job:
    def __init__(self, request):
        self.number = request.number
        self.due = request.number
        self.payload = {"body": request.body, "copy": request.body * 6}  # @birth

    def __lt__(self, other):
        return self.due < other.due


class Runner:
    def __init__(self):
        self.counts = {"done": 0, "failed": 0}
        self.queue = []  # @holder

    def submit(self, request):
        heapq.heappush(self.queue, Job(request))

    def run_one(self):
        job = heapq.heappop(self.queue)
        if job.number % 3:
            job.due += 1_000_000
            heapq.heappush(self.queue, job)
            self.counts["failed"] += 1
        else:
            self.counts["done"] += 1


def main():
    runner = Runner()
    for request in ordinary.requests(2500):
        runner.submit(request)
        runner.run_one()
    return runner


RUNNER = main()
