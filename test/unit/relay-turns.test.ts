/** Connections take turns, so that a fast one does not keep the others waiting. */
import { describe, expect, it } from 'vitest';
import { Turn, Turns } from '../../src/core/relay/turns.js';

const READ_BYTES = 65_536;
const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** So many connections, each of which always has more to read. */
function greedy(turns: Turns, count: number): { read: number[]; readAll: () => void } {
  const read = Array.from({ length: count }, () => 0);
  const may = read.map(() => true);
  const all = read.map(
    (_, index) =>
      new Turn(
        turns,
        () => (may[index] = false),
        () => (may[index] = true),
      ),
  );
  const readAll = (): void => {
    for (const [index, turn] of all.entries())
      while (may[index] === true) {
        read[index] = (read[index] ?? 0) + READ_BYTES;
        turn.count(READ_BYTES);
      }
  };
  return { read, readAll };
}

describe('turns', () => {
  it('let a connection that is alone read two mebibytes, then others, then it again', async () => {
    const { read, readAll } = greedy(new Turns(), 1);
    readAll();
    expect(read).toEqual([2 << 20]);
    await nextTurn();
    readAll();
    expect(read).toEqual([4 << 20]);
  });

  it('are shared by those that read in the last one', async () => {
    const { read, readAll } = greedy(new Turns(), 4);
    readAll();
    await nextTurn();
    const before = [...read];
    readAll();
    expect(read.map((bytes, index) => bytes - (before[index] ?? 0))).toEqual(
      Array.from({ length: 4 }, () => 512 << 10),
    );
  });

  it('give each of hundreds one read', async () => {
    const { read, readAll } = greedy(new Turns(), 400);
    readAll();
    await nextTurn();
    const before = [...read];
    readAll();
    expect(new Set(read.map((bytes, index) => bytes - (before[index] ?? 0)))).toEqual(
      new Set([READ_BYTES]),
    );
  });

  it('count anew in each turn', async () => {
    const turns = new Turns();
    let pauses = 0;
    const turn = new Turn(
      turns,
      () => (pauses += 1),
      () => undefined,
    );
    for (let index = 0; index < 100; index += 1) {
      turn.count(READ_BYTES);
      await nextTurn();
    }
    expect(pauses).toBe(0);
  });
});
