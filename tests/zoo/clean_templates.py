# Templates, expressions and patterns that are compiled once and used again and again.
import re
import string

import ordinary

TEMPLATES = {word: string.Template(f"$url says {word} to $user\n" * 50) for word in ordinary.WORDS}
CODE = {word: compile(f"len(body) + {n}", word, "eval") for n, word in enumerate(ordinary.WORDS)}
size = 0
for request in ordinary.requests(2000):
    word = ordinary.WORDS[request.number % 16]
    text = TEMPLATES[word].substitute(url=request.url, user=request.user)
    size += eval(CODE[word], {"body": text}) + len(re.findall(rf"{word}\b", text))
