# Sessions of a few users, each with a history of its own that only grows.
# HOLDER: @holder or @history
# BIRTH: @birth
import ordinary


class Session:
    def __init__(self, user):
        self.user = user
        self.history = []  # @history


class Store:
    def __init__(self):
        self.sessions = {}  # @holder

    def visit(self, request):
        session = self.sessions.get(request.user)
        if session is None:
            session = self.sessions[request.user] = Session(request.user)
        session.history.append({"url": request.url, "body": request.body * 5})  # @birth


def main():
    store = Store()
    for request in ordinary.requests(2000):
        store.visit(request)
    return store


STORE = main()
