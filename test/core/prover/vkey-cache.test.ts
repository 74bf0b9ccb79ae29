import { describe, expect, it } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import { InterruptedError } from '../../../src/core/errors.js'
import type { ElfVkey, ElfVkeyOptions } from '../../../src/core/prover/elf-vkey.js'
import { VkeyCache } from '../../../src/core/prover/vkey-cache.js'

const SP1 = { sp1: '3.4.0' }
const elfOf = (byte: number) => Uint8Array.of(byte)

/** A computation that ends when the test says so, or at once when it is aborted. */
function controlled({ hearsAborts = true } = {}) {
  const calls: {
    readonly elf: Uint8Array
    readonly options: ElfVkeyOptions
    readonly finish: () => void
    readonly fail: (error: Error) => void
  }[] = []
  const compute = (elf: Uint8Array, options: ElfVkeyOptions) =>
    new Promise<ElfVkey>((resolve, reject) => {
      const vkey = { ...SP1, elfHash: toHex(elf), bytes32: '0x', hashBytes: '0x' } as const
      options.signal?.addEventListener('abort', () => {
        if (hearsAborts) reject(new InterruptedError({ during: 'the verifying key' }))
      })
      calls.push({ elf, options, finish: () => resolve(vkey), fail: reject })
    })
  return { calls, compute }
}

describe('VkeyCache', () => {
  it('computes a key once, however many ask for it at once or later', async () => {
    const { calls, compute } = controlled()
    const cache = new VkeyCache({ compute })
    const asked = [cache.get(elfOf(1), SP1), cache.get(elfOf(1), SP1)]
    calls[0]?.finish()
    const [first, second] = await Promise.all(asked)
    expect(second).toBe(first)
    expect(await cache.get(elfOf(1), SP1)).toBe(first)
    expect(calls).toHaveLength(1)
  })

  it('keeps programs and releases apart', async () => {
    const { calls, compute } = controlled()
    const cache = new VkeyCache({ compute })
    const asked = [
      cache.get(elfOf(1), SP1),
      cache.get(elfOf(2), SP1),
      cache.get(elfOf(1), { sp1: '9.9.9' }),
    ]
    for (const call of calls) call.finish()
    await Promise.all(asked)
    expect(calls).toHaveLength(3)
  })

  it('does not remember a failure', async () => {
    const { calls, compute } = controlled()
    const cache = new VkeyCache({ compute })
    const failing = cache.get(elfOf(1), SP1)
    calls[0]?.fail(new RangeError('out of memory'))
    await expect(failing).rejects.toThrow('out of memory')
    const again = cache.get(elfOf(1), SP1)
    calls[1]?.finish()
    expect((await again).elfHash).toBe('0x01')
  })

  it('goes on for those who wait when one leaves, and stops when all have left', async () => {
    const { calls, compute } = controlled()
    const cache = new VkeyCache({ compute })
    const [one, two] = [new AbortController(), new AbortController()]
    const first = cache.get(elfOf(1), { ...SP1, signal: one.signal })
    const second = cache.get(elfOf(1), { ...SP1, signal: two.signal })
    one.abort()
    await expect(first).rejects.toBeInstanceOf(InterruptedError)
    expect(calls[0]?.options.signal?.aborted).toBe(false)
    two.abort()
    await expect(second).rejects.toBeInstanceOf(InterruptedError)
    expect(calls[0]?.options.signal?.aborted).toBe(true)
  })

  it('begins anew for who asks while an abandoned computation has not ended', async () => {
    // As kernels do, it ends some time after it was told to.
    const { calls, compute } = controlled({ hearsAborts: false })
    const cache = new VkeyCache({ compute })
    const leaver = new AbortController()
    const left = cache.get(elfOf(1), { ...SP1, signal: leaver.signal })
    leaver.abort()
    await expect(left).rejects.toBeInstanceOf(InterruptedError)
    const first = cache.get(elfOf(1), SP1)
    calls[0]?.fail(new InterruptedError({ during: 'the verifying key' }))
    await new Promise((resolve) => setImmediate(resolve))
    const second = cache.get(elfOf(1), SP1)
    expect(calls).toHaveLength(2)
    calls[1]?.finish()
    expect(await second).toBe(await first)
  })

  it('tells everybody who waits how far it is', async () => {
    const { calls, compute } = controlled()
    const cache = new VkeyCache({ compute })
    const seen: [string, number][] = []
    const asked = ['a', 'b'].map((name) =>
      cache.get(elfOf(1), { ...SP1, onProgress: (fraction) => seen.push([name, fraction]) }),
    )
    calls[0]?.options.onProgress?.(0.5)
    calls[0]?.finish()
    await Promise.all(asked)
    expect(seen).toEqual([
      ['a', 0.5],
      ['b', 0.5],
    ])
  })

  it('forgets what was used longest ago', async () => {
    const { calls, compute } = controlled()
    const cache = new VkeyCache({ compute, maxEntries: 2 })
    const get = async (byte: number) => {
      const asked = cache.get(elfOf(byte), SP1)
      calls.at(-1)?.finish()
      return asked
    }
    await get(1)
    await get(2)
    await get(1)
    await get(3)
    expect(calls).toHaveLength(3)
    await get(1)
    expect(calls).toHaveLength(3)
    await get(2)
    expect(calls).toHaveLength(4)
  })
})
