# A handler is added to the logger for each request, and none is taken away.
# HOLDER: @holder
# BIRTH: @birth
import logging

import ordinary

logger = logging.getLogger("service")  # @holder
logger.propagate = False


class RequestHandler(logging.Handler):
    def __init__(self, request):
        super().__init__()
        self.prefix = request.body * 10  # @birth

    def emit(self, record):
        pass


def handle(request):
    logger.addHandler(RequestHandler(request))
    if request.number % 100 == 0:
        logger.warning("%s", request.url)


for request in ordinary.requests(1000):
    handle(request)
