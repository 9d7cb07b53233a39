# A page cache without a bound: every page that was ever asked for stays.
# HOLDER: @holder
# BIRTH: @birth
import ordinary

CACHE = {}  # @holder


def page(request):
    found = CACHE.get(request.url)
    if found is None:
        found = CACHE[request.url] = request.body * 8  # @birth
    return found


for request in ordinary.requests(2000):
    page(request)
