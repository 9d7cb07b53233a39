# A closure meant to remember the last few values remembers all.
# HOLDER: @holder
# BIRTH: @birth
import ordinary


def make_averager():
    history = []  # @holder

    def average(request):
        history.append([float(len(word)) for word in request.body.split() * 8])  # @birth
        return sum(history[-1]) / len(history[-1])

    return average


def main():
    average = make_averager()
    for request in ordinary.requests(1500):
        average(request)
    return average


AVERAGE = main()
