# Eight mebibytes of tables that are loaded at start and only read afterwards.
import ordinary


def load(rows):
    return {f"product-{n:06d}": {"name": f"product {n}", "price": n * 0.25, "stock": n % 7} for n in range(rows)}


PRODUCTS = load(20000)
found = 0.0
for request in ordinary.requests(2000):
    found += PRODUCTS[f"product-{request.number * 9:06d}"]["price"]
