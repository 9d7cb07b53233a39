# Functions, methods, closures, lambdas, comprehensions: qualified names, the line of each call.
# stack: leaf:@leaf < Shape.draw:@draw < outer.<locals>.inner:@inner < outer:@outer
#     < <module>:@main | domain=malloc total=111,1
# stack: leaf:@leaf < <lambda>:@lambda < <module>:@second | domain=malloc total=222,1
# stack: leaf:@leaf < Shape.make:@make < <module>:@third | domain=malloc total=333,1
# stack: leaf:@leaf < Shape.fixed:@fixed < <module>:@fourth | domain=malloc total=444,1
# stack: leaf:@leaf < Shape.size:@size < <module>:@fifth | domain=malloc total=555,1
# stack: leaf:@leaf < wrapped:@wrapped < decorate.<locals>.wrapper:@wrapper < <module>:@sixth
#     | domain=malloc total=666,1
# stack: leaf:@leaf < Shape.__getattr__:@getattr < <module>:@seventh | domain=malloc total=777,1
# truth: function=leaf line=@leaf domain=malloc total=111+222+333+444+555+666+777,7
import known


def leaf(n):
    known.leak(n)  # @leaf


class Shape:
    def draw(self):
        leaf(111)  # @draw

    @classmethod
    def make(cls):
        leaf(333)  # @make

    @staticmethod
    def fixed():
        leaf(444)  # @fixed

    @property
    def size(self):
        leaf(555)  # @size

    def __getattr__(self, name):
        leaf(777)  # @getattr


def outer():
    def inner():
        Shape().draw()  # @inner

    inner()  # @outer


def decorate(function):
    def wrapper():
        function()  # @wrapper

    return wrapper


@decorate
def wrapped():
    leaf(666)  # @wrapped


outer()  # @main
short = [lambda: leaf(222)]  # @lambda
short[0]()  # @second
Shape.make()  # @third
Shape.fixed()  # @fourth
size = Shape().size  # @fifth
wrapped()  # @sixth
nothing = Shape().nothing  # @seventh
