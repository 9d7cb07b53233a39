# The list that is an argument's default value is the same in every call.
# HOLDER: @holder
# BIRTH: @birth
import ordinary


def collect(request, found=[]):  # @holder
    found.append({"url": request.url, "text": request.body * 6})  # @birth
    return len(found)


for request in ordinary.requests(1500):
    collect(request)
