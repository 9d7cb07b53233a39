# XML, mail, archives and pickles, and a thread pool that makes digests of them.
import concurrent.futures
import email
import email.message
import email.policy
import hashlib
import io
import pickle
import random
import re
import xml.dom.minidom
import xml.etree.ElementTree as tree
import zipfile

SEED = random.Random(1)


def document(number):
    root = tree.Element("order", id=str(number))
    for n in range(SEED.randrange(5, 25)):
        line = tree.SubElement(root, "line", {"n": str(n), "price": f"{SEED.random():.3f}"})
        line.text = f"Artikel {n}, größer"
        tree.SubElement(line, "amount").text = str(n * n)
    return tree.tostring(root)


def mail(number, content):
    message = email.message.EmailMessage()
    message["Subject"] = f"Order {number}"
    message["From"] = "shop@example.org"
    message.set_content("as attached")
    message.add_attachment(content, maintype="text", subtype="xml", filename=f"{number}.xml")
    return email.message_from_bytes(message.as_bytes(), policy=email.policy.default)


def main():
    documents = [document(n) for n in range(120)]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for n, content in enumerate(documents):
            file.writestr(f"orders/{n}.xml", content)
    parsed = [tree.fromstring(content) for content in documents]
    doms = [xml.dom.minidom.parseString(content) for content in documents[:20]]
    mails = [mail(n, content) for n, content in enumerate(documents[:40])]
    copies = pickle.loads(pickle.dumps(parsed))
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        digests = list(pool.map(lambda text: hashlib.sha256(text).hexdigest(), documents))
    found = [re.findall(rb'price="(\d\.\d+)"', content) for content in documents]
    return archive, parsed, doms, mails, copies, digests, found


RESULT = main()
