/** Runs that are never signed, by the command: its exit code, and no proof file left. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { concatBytes, encodeU64LE } from '../../src/core/bytes.js'
import { elfOf, encode, li } from '../support/assembler.js'
import { cli, cliJson, guestElf } from '../support/cli.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-refusals-'))
})
afterAll(() => rm(folder, { recursive: true }))

const ecall = (code: number) => [...li(5, code), encode('ecall')]
/** None with a buffer, two deferred proofs. */
const DEFERRED = concatBytes(...[0n, 0n, 2n].map(encodeU64LE), Uint8Array.of(1, 2, 3))

it.each<[string, number, string, Uint8Array, Uint8Array?]>([
  ['an exit code', 3, 'GUEST_EXIT', elfOf({ text: [...li(10, 7), ...ecall(0)] })],
  ['no digest', 3, 'UNPROVABLE', elfOf({ text: ecall(0) })],
  ['an end without HALT', 3, 'UNPROVABLE', elfOf({ text: li(5, 1) })],
  ['an end inside an unconstrained block', 3, 'GUEST_TRAP', elfOf({ text: ecall(3) })],
  ['deferred proofs', 2, 'STDIN_DEFERRED_PROOFS', elfOf({ text: ecall(0) }), DEFERRED],
  ['no end', 4, 'CYCLE_LIMIT', elfOf({ text: [encode('jal', { imm: 0 })] })],
])('prove refuses %s with exit code %i, %s, and leaves no file', async (...row) => {
  const [, exitCode, code, elf, stdin = encodeU64LE(0n)] = row
  const work = await mkdtemp(join(folder, 'run-'))
  await writeFile(join(work, 'guest.elf'), elf)
  await writeFile(join(work, 'stdin.bin'), stdin)
  const format = ['--stdin-format', stdin === DEFERRED ? 'sp1' : 'raw']
  const state = ['--state-dir', join(folder, 'state'), '--insecure-key-on-disk']
  const limits = ['--cycle-limit', '1000']
  const args = ['prove', 'guest.elf', '--stdin', 'stdin.bin', ...format, ...limits, ...state]
  const run = await cliJson(args, { cwd: work })
  expect([run.exitCode, run.json.error.code]).toEqual([exitCode, code])
  expect((await readdir(work)).sort()).toEqual(['guest.elf', 'stdin.bin'])
})

it('prove and serve have no flag that lets deferred proofs pass', async () => {
  for (const command of [['prove', guestElf('fibonacci')], ['serve']]) {
    const run = await cli([...command, '--unverified-deferred-proofs'])
    expect(run.exitCode).toBe(2)
    expect(run.stderr).toContain('Nonexistent flag: --unverified-deferred-proofs')
  }
})
