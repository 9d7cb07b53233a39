# Numbers in NumPy arrays: views, object arrays, structured arrays and masked ones.
# NEEDS: numpy
import numpy

RANDOM = numpy.random.default_rng(1)


def main():
    readings = RANDOM.normal(size=(400, 500))
    views = [readings[n::7, ::2] for n in range(7)]
    words = numpy.array([f"word {n}" for n in range(5000)], dtype=object)
    records = numpy.zeros(3000, dtype=[("id", "i8"), ("name", "U12"), ("value", "f4")])
    records["id"] = numpy.arange(3000)
    small = [numpy.full(n % 50, n) for n in range(2000)]
    masked = numpy.ma.masked_greater(readings[0], 0.5)
    means = {n: readings[n].mean() for n in range(400)}
    return readings, views, words, records, small, masked, means


RESULT = main()
