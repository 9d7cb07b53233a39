# Trees whose nodes know their parents: many cycles, which the collector frees as it should.
import ordinary


class Node:
    def __init__(self, text, parent=None):
        self.text = text
        self.parent = parent
        self.children = []
        if parent:
            parent.children.append(self)


def parse(request):
    root = Node(request.url)
    for word in request.body.split():
        Node(word, root)
    return len(root.children)


for request in ordinary.requests(3000):
    parse(request)
