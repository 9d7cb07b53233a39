"""The program that the snapshots of heaps.py pretend to have dug up: views show its lines."""
import collections


class Session:
    def __init__(self, user, server):
        self.user = user
        self.name = user.center(1200)
        self.server = server


class Server:
    def __init__(self):
        self.sessions = []
        self.limits = {"open": 10}
        self.recent = collections.deque(maxlen=3)

    def login(self, user):
        session = Session(user, self)
        self.sessions.append(session)
        self.recent.append(session)


class Node:
    def __init__(self):
        self.me = self


server = Server()
prices = [n * 0.5 for n in range(4000)]
for n in range(300):
    server.login(f"user {n}")
    Node()
