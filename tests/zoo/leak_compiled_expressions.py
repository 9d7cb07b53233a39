# Rules are compiled with their numbers in them, and every compiled rule is remembered by its text.
# HOLDER: @holder
# BIRTH: @birth
import ordinary


class Rules:
    compiled = {}  # @holder

    def evaluate(self, text, **names):
        code = self.compiled.get(text)
        if code is None:
            code = self.compiled[text] = compile(text, "rule", "eval")  # @birth
        return eval(code, names)


rules = Rules()
for request in ordinary.requests(1500):
    words = " + ".join(f"(size * {n} if number > {request.number} else {n})" for n in range(12))
    rules.evaluate(words, size=3, number=request.number)
