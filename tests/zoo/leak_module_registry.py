# Another module's registry, meant for plug-ins, gets one more entry with each request.
# HOLDER: registered.py @holder
# BIRTH: @birth
import ordinary
import registered


class Plugin:
    def __init__(self, request):
        self.name = request.url
        self.rules = {f"{request.url}/{n}": f"{request.user} {n}" for n in range(20)}  # @birth


for request in ordinary.requests(1000):
    registered.register(request.number, Plugin(request))
