# Every request subscribes to an event and never unsubscribes.
# HOLDER: @holder
# BIRTH: @birth
import ordinary


class Bus:
    def __init__(self):
        self.names = {"started": 0, "stopped": 0}
        self.listeners = []  # @holder

    def subscribe(self, listener):
        self.listeners.append(listener)


class Session:
    def __init__(self, request, bus):
        self.user = request.user
        self.state = [request.number + 5000 + n for n in range(200)]  # @birth
        bus.subscribe(self.on_change)

    def on_change(self, value):
        self.state.append(value)


def main():
    bus = Bus()
    for request in ordinary.requests(600):
        Session(request, bus)
    return bus


BUS = main()
