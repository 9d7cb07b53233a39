# An lru_cache without a bound on a method keeps every argument, every result and `self`.
# HOLDER: @holder
# BIRTH: @birth
import functools

import ordinary


class Renderer:
    def __init__(self, prefix):
        self.prefix = prefix

    @functools.lru_cache(maxsize=None)  # @holder
    def render(self, number, body):
        return f"{self.prefix} {number} {body * 6}"  # @birth


def main():
    for request in ordinary.requests(2000):
        Renderer("page").render(request.number, request.user)
        Renderer("page").render(request.number, request.body)


main()
