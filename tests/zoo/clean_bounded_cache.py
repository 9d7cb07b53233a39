# A cache with a bound: full after a while, and then as much goes as comes.
import functools

import ordinary


@functools.lru_cache(maxsize=400)
def page(url, body):
    return f"{url}: {body * 16}"


for request in ordinary.requests(3000):
    page(request.url, request.body)
