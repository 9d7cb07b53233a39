# Allocates at random until it is killed, and keeps an account in a shared file: see test_kill.py.
# Arguments: the account file, threads, family (0 malloc, 1 obj, 2 mem), seed, events per call.
import os
import sys
import threading

import known

account, threads, family, seed, events = sys.argv[1], *map(int, sys.argv[2:])


def work(index):
    turn = 0
    while True:
        turn += 1
        chance = seed * 1000 + index * 100 + turn
        known.oracle(file, index, family, chance, events)  # @a


file = os.open(account, os.O_RDWR)
for index in range(1, threads):
    threading.Thread(target=work, args=(index,), daemon=True).start()
work(0)
