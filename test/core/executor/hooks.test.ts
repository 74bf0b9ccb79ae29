/** Hooks of the caller: `execute(elf, stdin, { hooks })`. */
import { describe, expect, it } from 'vitest'
import { type ExecuteOptions, execute } from '../../../src/core/executor/execute.js'
import { releaseOf, SP1_VERSIONS } from '../../../src/core/executor/release.js'
import { elfOfProgram, type Step } from '../../support/syscall-program.js'

const [WRITE, HINT_LEN, HINT_READ] = [0x02, 0xf0, 0xf1]
const DATA = 0x0030_0000
const ANSWER = 0x0030_0100
const FREE_FD = 1234

describe.each(SP1_VERSIONS)('SP1 %s', (sp1) => {
  const release = releaseOf(sp1)
  const { publicValues } = release.descriptors

  /** Calls the hook with `0x0a0b0c`, and publishes `answers` of its answers, 4 bytes each. */
  function run(fd: number, answers: number, hooks: NonNullable<ExecuteOptions['hooks']>) {
    const read = (i: number): Step[] => [
      { ecall: HINT_READ, args: [ANSWER + 4 * i, 4] },
      { loadFrom: ANSWER + 4 * i },
    ]
    const elf = elfOfProgram(
      {
        data: { [DATA]: '0x0a0b0c00' },
        steps: [
          { ecall: WRITE, args: [fd, DATA, 3] },
          ...Array.from({ length: answers }, (_, i) => read(i)).flat(),
        ],
        report: { [ANSWER]: 4 * answers },
      },
      publicValues,
    )
    const stdin = { buffers: [Uint8Array.of(9, 9, 9, 9)], deferredProofs: 0n }
    return execute(elf, stdin, { sp1, hooks })
  }

  it('a new one is given what the guest writes; its answers are read first, in order', async () => {
    const given: Uint8Array[] = []
    const hook = (input: Uint8Array) => {
      given.push(input)
      return [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8)]
    }
    const result = await run(FREE_FD, 3, { [FREE_FD]: hook })
    expect(given).toEqual([Uint8Array.of(10, 11, 12)])
    expect(result.publicValues).toBe('0x010203040506070809090909')
  })

  it('one without an answer, and a descriptor without a hook, change nothing', async () => {
    expect((await run(FREE_FD, 1, { [FREE_FD]: () => [] })).publicValues).toBe('0x09090909')
    expect((await run(FREE_FD, 1, {})).publicValues).toBe('0x09090909')
  })

  const taken = [
    0,
    1,
    2,
    publicValues,
    release.descriptors.hint,
    ...release.descriptors.hooks.keys(),
  ]
  it.each([...taken, -1, 1.5, 2 ** 32])('cannot be on descriptor %d', async (fd) => {
    const hooks = { [fd]: () => [] }
    await expect(run(FREE_FD, 0, hooks)).rejects.toMatchObject({
      code: 'HOOK_INVALID',
      exitCode: 2,
      details: { fd: String(fd) },
    })
  })

  it('ends the run with what it throws', async () => {
    const mine = new TypeError('mine')
    const hook = () => {
      throw mine
    }
    await expect(run(FREE_FD, 0, { [FREE_FD]: hook })).rejects.toBe(mine)
  })

  it('may answer no more than a guest may hint to itself', async () => {
    const large = new Uint8Array(2 ** 28 + 1)
    await expect(run(FREE_FD, 0, { [FREE_FD]: () => [large] })).rejects.toMatchObject({
      code: 'OUTPUT_LIMIT',
      exitCode: 4,
      details: { stream: 'its own input', limitBytes: 2 ** 28 },
    })
    const half = large.subarray(0, 2 ** 27 + 1)
    await expect(run(FREE_FD, 0, { [FREE_FD]: () => [half, half] })).rejects.toMatchObject({
      code: 'OUTPUT_LIMIT',
    })
  })

  it('is asked in an unconstrained block, too', async () => {
    const elf = elfOfProgram(
      {
        data: { [DATA]: '0x0a0b0c00' },
        steps: [
          { unconstrained: [{ ecall: WRITE, args: [FREE_FD, DATA, 3] }] },
          { ecall: HINT_LEN, args: [] },
          { keepT0At: ANSWER },
        ],
        report: { [ANSWER]: 4 },
      },
      publicValues,
    )
    const hooks = { [FREE_FD]: () => [new Uint8Array(7)] }
    const result = await execute(elf, { buffers: [], deferredProofs: 0n }, { sp1, hooks })
    expect(result.publicValues).toBe('0x07000000')
  })
})
