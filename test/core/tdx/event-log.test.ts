import { sha384 } from '@noble/hashes/sha2.js'
import { describe, expect, it } from 'vitest'
import { concatBytes, encodeU32LE, toHex } from '../../../src/core/bytes.js'
import {
  type EventLog,
  encodeEventLog,
  parseEventLog,
  replayEventLog,
} from '../../../src/core/tdx/event-log.js'
import { patched, refusalOf } from './samples.js'

const SPEC_ID = concatBytes(
  new TextEncoder().encode('Spec ID Event03\0'),
  Uint8Array.of(0, 0, 0, 0, 0, 2, 0, 2), // platform class, version 2.0, 64-bit integers
  encodeU32LE(1),
  Uint8Array.of(0x0c, 0, 48, 0), // SHA-384
  Uint8Array.of(0),
)
const digestOf = (text: string) => sha384(new TextEncoder().encode(text))
const event = (mrIndex: number, text: string, type = 0x80000006) => ({
  mrIndex,
  type,
  digests: [{ algorithm: 0x0c, digest: digestOf(text) }],
  data: new TextEncoder().encode(text),
})
const LOG: EventLog = {
  header: { pcrIndex: 0, digest: new Uint8Array(20), data: SPEC_ID },
  algorithms: [{ id: 0x0c, bytes: 48 }],
  events: [event(1, 'firmware'), event(2, 'kernel'), event(2, 'more'), event(3, 'no action', 3)],
  padding: new Uint8Array(64).fill(0xff),
}
const BYTES = encodeEventLog(LOG)
const HEADER_BYTES = 32 + SPEC_ID.length

describe('an event log', () => {
  it.each([
    ['ended by ones', LOG],
    ['ended by zeros', { ...LOG, padding: new Uint8Array(40) }],
    ['without room after it', { ...LOG, padding: new Uint8Array(0) }],
  ])('%s parses to what was encoded', (_, log) => {
    expect(parseEventLog(encodeEventLog(log))).toEqual(log)
  })

  it('replays in order, from zeros, without what is no action', () => {
    const extend = (register: Uint8Array, text: string) =>
      sha384(concatBytes(register, digestOf(text)))
    const zero = new Uint8Array(48)
    const expected = [extend(zero, 'firmware'), extend(extend(zero, 'kernel'), 'more'), zero, zero]
    expect(replayEventLog(LOG).map(toHex)).toEqual(expected.map(toHex))
  })

  it('is refused when it is cut inside an event', () => {
    const whole = BYTES.length - LOG.padding.length
    const boundaries = [HEADER_BYTES]
    for (const { data } of LOG.events) {
      boundaries.push(boundaries.at(-1)! + 12 + 50 + 4 + data.length)
    }
    expect(boundaries.at(-1)).toBe(whole)
    for (let length = 0; length < whole; length++) {
      if (boundaries.includes(length)) continue
      const refusal = refusalOf(() => parseEventLog(BYTES.subarray(0, length)))
      expect(refusal.code, `at ${length}`).toBe('EVENT_LOG_MALFORMED')
    }
  })

  it.each([
    ['a first event that acts', patched(BYTES, 4, 4), 'is not EV_NO_ACTION'],
    ['another format', patched(BYTES, 32, 0x41), 'is not "Spec ID Event03"'],
    ['no algorithm', patched(BYTES, 32 + 24, 0), 'has 0 digest algorithms'],
    ['too many digests', patched(BYTES, HEADER_BYTES + 8, 17), 'has 17 digests'],
    ['an unknown digest', patched(BYTES, HEADER_BYTES + 12, 0x0d), 'has digest algorithm 13'],
  ])('is refused with %s', (_, bytes, reason) => {
    expect(refusalOf(() => parseEventLog(bytes))).toMatchObject({
      code: 'EVENT_LOG_MALFORMED',
      details: { reason },
    })
  })

  it('is not replayed into something that is no RTMR', () => {
    for (const mrIndex of [0, 5]) {
      expect(
        refusalOf(() => replayEventLog({ ...LOG, events: [event(mrIndex, 'x')] })),
      ).toMatchObject({ code: 'EVENT_LOG_MALFORMED' })
    }
    const undigested = { ...event(1, 'x'), digests: [] }
    expect(refusalOf(() => replayEventLog({ ...LOG, events: [undigested] }))).toMatchObject({
      details: { reason: 'has no SHA-384 digest' },
    })
  })
})
