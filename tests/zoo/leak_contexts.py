# Copies of the context are kept so that work can be resumed, and with them what variables held.
# HOLDER: @holder
# BIRTH: @birth
import contextvars

import ordinary

CURRENT = contextvars.ContextVar("current")
suspended = []  # @holder


def handle(request):
    CURRENT.set(request.body.split(" ") * 5)  # @birth
    suspended.append(contextvars.copy_context())


for request in ordinary.requests(1500):
    handle(request)
