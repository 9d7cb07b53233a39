# A WSGI server in a thread, and a client that asks it; pages, cookies and a log.
import http.client
import http.cookies
import json
import logging
import string
import threading
import urllib.parse
import wsgiref.simple_server

PAGE = string.Template("<html><title>$title</title><body>" + "<p>$text</p>" * 20 + "</body></html>")


class Keep(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, form, *args):
        LOG.info(form, *args)


class Application:
    def __init__(self):
        self.pages, self.sessions = {}, {}

    def __call__(self, environ, start_response):
        query = urllib.parse.parse_qs(environ["QUERY_STRING"])
        number = query["n"][0]
        cookie = http.cookies.SimpleCookie(environ.get("HTTP_COOKIE", ""))
        self.sessions.setdefault(number, cookie)
        page = self.pages.setdefault(number, PAGE.substitute(title=number, text=environ["PATH_INFO"]))
        start_response("200 OK", [("Content-Type", "text/html"), ("Set-Cookie", f"seen={number}")])
        return [page.encode()]


def main():
    application = Application()
    server = wsgiref.simple_server.make_server("127.0.0.1", 0, application, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    answers = []
    for n in range(300):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
        connection.request("GET", f"/page/{n}?n={n % 120}", headers={"Cookie": f"user={n}; theme=dark"})
        answer = connection.getresponse()
        answers.append((answer.status, dict(answer.getheaders()), len(answer.read())))
        connection.close()
    server.shutdown()
    server.server_close()
    return application, json.dumps(answers)


LOG = logging.getLogger("web")
LOG.setLevel(logging.INFO)
LOG.propagate = False
LOG.addHandler(Keep())
RESULT = main()
