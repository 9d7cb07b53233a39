# A field of a form connects to a signal by a lambda; the signal's list of receivers keeps the form.
# HOLDER: @holder
# BIRTH: @birth
import ordinary


class Signal:
    def __init__(self):
        self._receivers = {}  # @holder
        self._next = 0

    def connect(self, receiver):
        self._next += 1
        self._receivers[self._next] = receiver
        return self._next


class Form:
    changed = Signal()

    def __init__(self, request):
        self.values = [f"{request.url}:{n}:{request.user}" for n in range(40)]  # @birth
        self.changed.connect(lambda name: self.values)


for request in ordinary.requests(1200):
    Form(request)
