# A WSGI application with sessions that expire.
import collections
import io
import wsgiref.util

import ordinary


class Sessions:
    def __init__(self, limit):
        self.limit = limit
        self.by_user = collections.OrderedDict()

    def get(self, user):
        session = self.by_user.setdefault(user, {"visits": 0, "basket": collections.deque(maxlen=5)})
        self.by_user.move_to_end(user)
        while len(self.by_user) > self.limit:
            self.by_user.popitem(last=False)
        return session


class Application:
    def __init__(self):
        self.sessions = Sessions(20)

    def __call__(self, environ, start_response):
        session = self.sessions.get(environ["REMOTE_USER"])
        session["visits"] += 1
        session["basket"].append(environ["PATH_INFO"] * 10)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{key}={value}\n".encode() for key, value in sorted(session.items(), key=str)]


def main():
    application = Application()
    sent = 0
    for request in ordinary.requests(1500):
        environ = {"REMOTE_USER": request.user, "PATH_INFO": request.url}
        environ["wsgi.input"] = io.BytesIO(request.body.encode())
        wsgiref.util.setup_testing_defaults(environ)
        sent += sum(map(len, application(environ, lambda status, headers: None)))
    return application, sent


APPLICATION, SENT = main()
