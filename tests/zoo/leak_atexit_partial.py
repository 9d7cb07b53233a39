# Each request registers its cleaning up for the end of the process.
# The interpreter holds it; what is named is the line that registers.
# HOLDER: @holder
# BIRTH: @birth
import atexit
import functools

import ordinary


def clean(path, content):
    return len(path) + len(content)


def handle(request):
    content = request.body.encode() * 12  # @birth
    atexit.register(functools.partial(clean, request.url, content))  # @holder


for request in ordinary.requests(1000):
    handle(request)
