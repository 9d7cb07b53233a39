# A list in the class body, meant to be one of each instance, is shared by all.
# HOLDER: @holder
# BIRTH: @birth
import ordinary


class Session:
    timeout = 30
    history = []  # @holder

    def __init__(self, user):
        self.user = user

    def visit(self, request):
        self.history.append((request.url, request.body.upper() * 8))  # @birth


for request in ordinary.requests(2000):
    Session(request.user).visit(request)
