# An asyncio chat server with rooms, and clients that talk; what was said is kept by room.
import asyncio
import collections
import contextvars
import dataclasses
import enum
import weakref

WHO = contextvars.ContextVar("who", default="nobody")


class Kind(enum.Enum):
    SAID = "said"
    JOINED = "joined"


@dataclasses.dataclass(slots=True)
class Event:
    kind: Kind
    who: str
    text: str


class Server:
    def __init__(self):
        self.rooms = collections.defaultdict(collections.deque)
        self.writers = weakref.WeakSet()
        self.bytes = 0

    async def talk(self, reader, writer):
        self.writers.add(writer)
        who = (await reader.readline()).decode().strip()
        WHO.set(who)
        self.rooms["hall"].append(Event(Kind.JOINED, who, ""))
        async for line in reader:
            room, _, text = line.decode().partition(" ")
            self.rooms[room].append(Event(Kind.SAID, WHO.get(), text))
            self.bytes += len(line)
            writer.write(b"ok\n")
        writer.close()


async def client(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"client {number}\n".encode())
    for n in range(40):
        writer.write(f"room{n % 5} message {n} of {number}\n".encode())
        await reader.readline()
    writer.close()
    await writer.wait_closed()


async def main(server):
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    for batch in range(6):
        await asyncio.gather(*(client(port, batch * 10 + n) for n in range(10)))
    listening.close()
    return asyncio.all_tasks()


SERVER = Server()
TASKS = asyncio.run(main(SERVER))
