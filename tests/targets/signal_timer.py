# A handler in C interrupts everything, the recorder too; what came inside it is counted as dropped.
# dropped: reentrant_events
# rows: by=domain name=mmap total=>4096,1 leaked=<1500000,300
import known

known.timer(500)
numbers = []
while known.handled() < 500:
    numbers.append([len(numbers)] * 5)
    if len(numbers) > 10000:
        numbers.clear()
known.timer(0)
