"""A small warehouse load: shop data in CSV and JSON becomes a report of sales.

    python examples/etl.py [--orders N]
    barrow run examples/etl.py

The program makes its own input in a temporary directory (the same for every run), then

1. extracts customers and orders from CSV, products and page views from JSON,
2. transforms them: cleans names, converts currencies, joins everything into one record per order,
3. loads sums by country, month and category, and the best customers, into result files,

and removes the directory.  Only the standard library is used.  Like many a real one, it works well
and uses far more memory than it needs; to see which lines do, run it under barrow.
"""

import argparse
import collections
import csv
import datetime
import json
import random
import re
import tempfile
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

COUNTRIES = {"AT": "EUR", "CH": "CHF", "DE": "EUR", "DK": "DKK", "GB": "GBP", "US": "USD"}
RATES = {"EUR": "1", "CHF": "1.0612", "DKK": "0.1341", "GBP": "1.1534", "USD": "0.9217"}
CATEGORIES = ("books", "garden", "kitchen", "music", "office", "sports", "tools", "toys")
FIRST_NAMES = ("Ada", "Björn", "Chloé", "Dmitri", "Edith", "Farid", "Grace", "Hedy", "Ibn", "Jules")
LAST_NAMES = (
    "Archer",
    "Becker",
    "Côté",
    "Dahl",
    "Evans",
    "Fischer",
    "Gauß",
    "Hopper",
    "Ito",
    "Joy",
)
YEAR_START = datetime.datetime(2025, 1, 1)
CENT = Decimal("0.01")


# ---- input ----------------------------------------------------------------------------------


def write_customers(path: Path, source: random.Random, count: int) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["id", "name", "country", "email"])
        for number in range(count):
            first, last = source.choice(FIRST_NAMES), source.choice(LAST_NAMES)
            spellings = (f"{first} {last}", f" {last.upper()},  {first}", f"{first}   {last} ")
            email = f"{first}.{last}.{number}@example.org"
            country = source.choice(list(COUNTRIES))
            out.writerow([number, source.choice(spellings), country, email])


def write_orders(path: Path, source: random.Random, count: int, customers: int, products: int) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["id", "placed", "customer", "product", "quantity", "note"])
        for number in range(count):
            placed = YEAR_START + datetime.timedelta(seconds=source.randrange(365 * 86400))
            note = source.choice(("", "", "Gift wrap,  please", "  LEAVE at door ", "call first!!"))
            customer = int(customers * source.random() ** 2)  # some buy far more than others
            product, quantity = source.randrange(products), source.randint(1, 5)
            out.writerow([number, placed.isoformat(), customer, product, quantity, note])


def write_products(path: Path, source: random.Random, count: int) -> None:
    products = [
        {
            "id": number,
            "title": f"{source.choice(CATEGORIES).title()} item {number}",
            "category": source.choice(CATEGORIES),
            "price": f"{source.uniform(1, 200):.2f}",
        }
        for number in range(count)
    ]
    path.write_text(json.dumps(products), encoding="utf-8")


def write_views(path: Path, source: random.Random, count: int, products: int) -> None:
    views = [
        {
            "product": source.randrange(products),
            "page": f"/p/{number % 977}",
            "seconds": source.randint(1, 90),
        }
        for number in range(count)
    ]
    path.write_text(json.dumps({"version": 1, "views": views}), encoding="utf-8")


def make_input(folder: Path, orders: int) -> None:
    source = random.Random(2025)
    customers, products = max(1, orders // 8), max(1, orders // 50)
    write_customers(folder / "customers.csv", source, customers)
    write_products(folder / "products.json", source, products)
    write_orders(folder / "orders.csv", source, orders, customers, products)
    write_views(folder / "views.json", source, orders, products)


# ---- extract --------------------------------------------------------------------------------


@dataclass
class Customer:
    id: int
    name: str
    country: str
    email: str


@dataclass
class Order:
    id: int
    placed: datetime.datetime
    customer: int
    product: int
    quantity: int
    note: str


def clean(text: str) -> str:
    """One spelling for names and notes: every step makes a string that lives for a moment."""
    text = text.strip().casefold().replace("!", "").replace("ß", "ss")
    text = re.sub(r"\s+", " ", text)
    if "," in text:
        last, _, first = text.partition(",")
        text = f"{first.strip()} {last.strip()}"
    return " ".join(word.capitalize() for word in text.split(" "))


def read_customers(path: Path) -> dict[int, Customer]:
    with open(path, newline="", encoding="utf-8") as file:
        customers = (
            Customer(int(row["id"]), clean(row["name"]), row["country"], row["email"])
            for row in csv.DictReader(file)
        )
        return {customer.id: customer for customer in customers}


def read_orders(path: Path) -> list[Order]:
    orders = []
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            orders.append(
                Order(
                    id=int(row["id"]),
                    placed=datetime.datetime.fromisoformat(row["placed"]),
                    customer=int(row["customer"]),
                    product=int(row["product"]),
                    quantity=int(row["quantity"]),
                    note=clean(row["note"]),
                )
            )
    return orders


def count_views(path: Path) -> collections.Counter[int]:
    """Seconds looked at, by product.  The whole document is in memory to get at a few sums."""
    document = json.loads(path.read_text(encoding="utf-8"))
    seconds: collections.Counter[int] = collections.Counter()
    for view in document["views"]:
        seconds[view["product"]] += view["seconds"]
    return seconds


# ---- transform ------------------------------------------------------------------------------


# What was once computed is kept, and kept for good: the key holds the exact second, so there is
# nearly an entry per order.
rate_cache: dict[tuple[str, str], Decimal] = {}


def exchange_rate(currency: str, moment: datetime.datetime) -> Decimal:
    """Euros for one unit of `currency`; rates drift over the year."""
    key = (currency, moment.isoformat())
    if key not in rate_cache:
        drift = Decimal(moment.timetuple().tm_yday) / 10_000
        rate_cache[key] = Decimal(RATES[currency]) * (1 + drift)
    return rate_cache[key]


def join(orders, customers, products, views):
    """One flat record per order.  All of them exist before the first is summed."""
    records = []
    for order in orders:
        customer, product = customers[order.customer], products[order.product]
        price = Decimal(product["price"]) * order.quantity
        euros = price * exchange_rate(COUNTRIES[customer.country], order.placed)
        records.append(
            {
                "month": f"{order.placed:%Y-%m}",
                "country": customer.country,
                "customer": customer.name,
                "email": customer.email,
                "category": product["category"],
                "quantity": order.quantity,
                "euros": euros.quantize(CENT),
                "seconds_viewed": views[product["id"]],
            }
        )
    return records


# ---- load -----------------------------------------------------------------------------------


def sum_up(records):
    sales: dict[tuple[str, str, str], Decimal] = collections.defaultdict(Decimal)
    by_customer: dict[str, Decimal] = collections.defaultdict(Decimal)
    for record in records:
        sales[record["country"], record["month"], record["category"]] += record["euros"]
        by_customer[record["email"]] += record["euros"]
    best = sorted(by_customer.items(), key=lambda item: (-item[1], item[0]))
    return sales, best


def write_results(folder: Path, sales, best) -> None:
    with open(folder / "sales.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["country", "month", "category", "euros"])
        out.writerows([*key, euros] for key, euros in sorted(sales.items()))
    top = [{"email": email, "euros": str(euros)} for email, euros in best[:100]]
    (folder / "customers.json").write_text(json.dumps(top, indent=1), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Load generated shop data into a sales report.")
    parser.add_argument("--orders", type=int, default=150_000, help="how many (default %(default)s)")
    count = parser.parse_args().orders
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="etl-") as name:
        folder = Path(name)
        make_input(folder, count)
        customers = read_customers(folder / "customers.csv")
        products = {p["id"]: p for p in json.loads((folder / "products.json").read_text("utf-8"))}
        views = count_views(folder / "views.json")
        orders = read_orders(folder / "orders.csv")
        records = join(orders, customers, products, views)
        sales, best = sum_up(records)
        write_results(folder, sales, best)
    total = sum(sales.values())
    print(f"{len(orders):,} orders of {len(best):,} customers: {total:,} EUR")
    print(f"{len(sales):,} groups of country, month and category")
    print(f"best customer: {best[0][0]}, {best[0][1]:,} EUR")
    print(f"done in {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
