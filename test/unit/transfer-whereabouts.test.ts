import { describe, expect, it } from 'vitest';
import { Whereabouts } from '../../src/core/transfer/whereabouts.js';
import type { LanePlace } from '../../src/core/wire/keys.js';
import { codeOf } from '../support/croc.js';

const secrets = { key: new Uint8Array(32), transcript: new Uint8Array(32) };
const who = { role: 'sender', channel: '1', uuid: 'u', secrets } as const;

/** Lanes that were at ports 7 and 8; the relay then says that they are elsewhere. */
function moved(place: Omit<LanePlace, 'address'>, lanes: number | undefined, mayShrink: boolean) {
  const first = { ...who, address: '192.0.2.1', ports: [7, 8], ...(lanes && { lanes }) };
  const where = new Whereabouts(first, () => Promise.resolve({ address: '192.0.2.2', ...place }));
  where.settle(() => mayShrink);
  return where;
}

describe('further lanes', () => {
  it('are at the same ports again, and say which they are', () => {
    const where = moved({ ports: [7, 8] }, 16, false);
    expect(where.lane(1)).toEqual({
      index: 1,
      address: '192.0.2.1',
      port: 8,
      channel: '1',
      uuid: 'u',
    });
    expect(where.lane(5)).toMatchObject({ index: 5, port: 8, lane: 5 });
    expect([where.count, where.most]).toEqual([2, 16]);
  });

  it('are none at a relay that does not name any', () => {
    expect(moved({ ports: [7, 8] }, undefined, false).most).toBe(2);
  });

  it('go with the others to a process that has fewer ports', async () => {
    const where = moved({ ports: [9], lanes: 16 }, 16, false);
    where.widen(6);
    await where.refresh();
    expect(where.count).toBe(6);
    expect(where.lane(0)).toEqual({
      index: 0,
      address: '192.0.2.2',
      port: 9,
      channel: '1',
      uuid: 'u',
    });
    expect(where.lane(1)).toMatchObject({ index: 1, port: 9, lane: 1 });
  });

  it('cannot go to one that lets in fewer', async () => {
    const where = moved({ ports: [9, 10] }, 16, false);
    where.widen(6);
    expect(await codeOf(where.refresh())).toBe('relay_fewer_ports');
  });
});
