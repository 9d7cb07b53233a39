# Work for a thread pool, whose results are taken and dropped.
import concurrent.futures
import zlib

import ordinary


def squeeze(request):
    return zlib.compress(request.body.encode() * 20)


def main():
    sizes = {}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        waiting = []
        for request in ordinary.requests(1500):
            waiting.append(pool.submit(squeeze, request))
            if len(waiting) == 50:
                for future in waiting:
                    size = len(future.result())
                    sizes[size] = sizes.get(size, 0) + 1
                waiting.clear()
    return sizes


SIZES = main()
