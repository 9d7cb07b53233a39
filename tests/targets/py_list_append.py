# A list that grows item by item: each growth is a realloc, which counts the new size in full.
# truth: function=grow line=@a domain=mem total=750208,47 leaked=85120,1
def grow():
    numbers = []
    for _ in range(10000):
        numbers.append(None)  # @a
    return numbers


kept = grow()
