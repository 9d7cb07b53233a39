# A class is made for each request's fields, and a registry of subclasses keeps them all.
# HOLDER: @holder
# BIRTH: @birth
import ordinary


class Record:
    known = {}  # @holder

    def __init_subclass__(cls):
        Record.known[cls.__name__] = cls


def record_for(request):
    return type(f"Record{request.number}", (Record,), {"__slots__": ("url", "user")})  # @birth


for request in ordinary.requests(1000):
    kind = record_for(request)
    kind().url = request.url
