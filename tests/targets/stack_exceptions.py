# Exceptions chained through frames: handlers know their place.
# stack: handler:@handler < outer:@outer < <module>:@a | domain=malloc total=15*41,15
# stack: Manager.__exit__:@exit < outer:@with < <module>:@a | domain=malloc total=15*42,15
import known


class Manager:
    def __enter__(self):
        return self

    def __exit__(self, *exc):
        known.leak(42)  # @exit


def handler(error):
    known.leak(41)  # @handler


def fail():
    raise KeyError


def outer():
    try:
        with Manager():  # @with
            try:
                fail()
            except KeyError as error:
                raise ValueError from error
    except ValueError as error:
        handler(error)  # @outer


for _ in range(15):
    outer()  # @a
