// A map from pairs of numbers below 2^32 to numbers from 0 up, in the order in which they were added.
// Open addressing over typed arrays: half a million entries cost no objects.

export class Pairs {
  count = 0;
  private first: Uint32Array;
  private second: Uint32Array;
  private slots: Uint32Array; // number + 1; 0: free

  constructor(expected = 16) {
    let room = 16;
    while (room < expected * 2) room *= 2;
    this.slots = new Uint32Array(room);
    this.first = new Uint32Array(room / 2 + 1);
    this.second = new Uint32Array(room / 2 + 1);
  }

  /** The pair's number; a new pair gets the number `count` had before. */
  add(a: number, b: number): number {
    if ((this.count + 1) * 2 > this.slots.length) this.grow();
    const slot = this.slot(a, b);
    const known = this.slots[slot]!;
    if (known) return known - 1;
    this.first[this.count] = a;
    this.second[this.count] = b;
    this.slots[slot] = ++this.count;
    return this.count - 1;
  }

  private slot(a: number, b: number): number {
    const mask = this.slots.length - 1;
    let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b + 0x7f4a7c15, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    let slot = (hash ^ (hash >>> 13)) & mask;
    for (;;) {
      const known = this.slots[slot]!;
      if (!known || (this.first[known - 1] === a && this.second[known - 1] === b)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  private grow(): void {
    const { first, second, count } = this;
    this.slots = new Uint32Array(this.slots.length * 2);
    this.first = new Uint32Array(this.slots.length / 2 + 1);
    this.second = new Uint32Array(this.slots.length / 2 + 1);
    this.first.set(first.subarray(0, count));
    this.second.set(second.subarray(0, count));
    for (let i = 0; i < count; i++) this.slots[this.slot(first[i]!, second[i]!)] = i + 1;
  }
}
