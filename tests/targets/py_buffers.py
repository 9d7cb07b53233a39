# A BytesIO over bytes holds them, it does not copy them; getvalue gives them back.
# truth: function=make line=@a domain=obj total=1000000+33,1 leaked=1000000+33,1
# truth: function=make line=@b domain=obj leaked=<500,3 total=<500,3
# truth: function=make line=@c domain=obj leaked=<500,3 total=<500,3
import io


def make():
    data = bytes(1000000)  # @a
    stream = io.BytesIO(data)  # @b
    again = stream.getvalue()  # @c
    return stream, again


kept = make()
