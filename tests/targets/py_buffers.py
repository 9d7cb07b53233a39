# A BytesIO over bytes holds them, it does not copy them.
# truth: function=<module> line=@a domain=obj leaked=1000000+33,1 total=1000000+33,1
# truth: function=<module> line=@b domain=obj leaked=<1000,10
import io

data = bytes(1000000)  # @a
stream = io.BytesIO(data)  # @b
