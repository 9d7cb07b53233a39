# Every state of a document refers to the one before: undo without a limit is one long chain.
# HOLDER: @holder
# BIRTH: @birth
import ordinary


class State:
    __slots__ = ("before", "text")

    def __init__(self, text, before):
        self.text = text
        self.before = before


class Document:
    def __init__(self):
        self.title = "untitled"
        self.state = None

    def edit(self, text):
        self.state = State(text, self.state)


def main():
    document = Document()  # @holder
    for request in ordinary.requests(2000):
        document.edit(request.body * 6)  # @birth
    return document


DOCUMENT = main()
