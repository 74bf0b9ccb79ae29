import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { concatBytes, encodeU64LE, fromHex } from '../../src/core/bytes.js'
import { elfOf, encode, li } from '../support/assembler.js'
import { cli, cliJson, guestElf, guestInput } from '../support/cli.js'

const FIBONACCI = guestElf('fibonacci')
const N_10 = '0x0a000000'
const RUN = new URL('../../bin/run.js', import.meta.url).pathname

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-execute-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function file(name: string, contents: string | Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, contents)
  return path
}

const MIB = 2 ** 20

/** A guest that writes a mebibyte of letters so many times. */
function chatter(fd: number, times: number): Promise<string> {
  const address = 0x0030_0000
  const write = [...li(5, 2), ...[fd, address, MIB].flatMap((arg, i) => li(10 + i, arg))]
  const text = Array.from({ length: times }, () => [...write, encode('ecall')]).flat()
  const segments = [{ address, contents: new Uint8Array(MIB).fill(0x61) }]
  return file(`chatter-${fd}-${times}.elf`, elfOf({ text, segments }))
}

describe('results', () => {
  it('prints public values, cycles and syscalls for people', async () => {
    const run = await cli(['execute', FIBONACCI, '--input', N_10])
    expect(run.exitCode).toBe(0)
    expect(run.stdout).toContain('public values  0x0a0000002200000037000000')
    expect(run.stdout).toMatch(/cycles {9}5,173 \(\d+ ms, [\d.]+ MHz, auto\)/)
    expect(run.stderr).toBe('')
  })

  it('prints the whole result as JSON, alone on standard output', async () => {
    const { exitCode, json, stderr } = await cliJson(['execute', FIBONACCI, '--input', N_10])
    expect(exitCode).toBe(0)
    expect(stderr).toBe('')
    expect(json).toMatchObject({
      sp1: '3.4.0',
      exitCode: 0,
      publicValues: '0x0a0000002200000037000000',
      cycles: 5173,
      syscallCount: 22,
      cycleTracker: {},
      stdout: '',
      engine: 'auto',
    })
    expect(json.elfHash).toMatch(/^0x[0-9a-f]{64}$/)
    expect(json).not.toHaveProperty('opcodes')
  })

  it('takes the input as a flag before the program, as a file and from standard input', async () => {
    const buffer = await file('ten.bin', Uint8Array.of(10, 0, 0, 0))
    const runs = await Promise.all([
      cliJson(['execute', '--input', N_10, FIBONACCI]),
      cliJson(['execute', FIBONACCI, '--input', `@${buffer}`]),
      cliJson(['execute', FIBONACCI, '--stdin', buffer]),
      cliJson(['execute', FIBONACCI, '--stdin', '-'], { input: Uint8Array.of(10, 0, 0, 0) }),
    ])
    for (const { json } of runs) expect(json.publicValues).toBe('0x0a0000002200000037000000')
  })

  it('prints results and errors of any size as JSON', async () => {
    const success = await cliJson(['execute', await chatter(1, 16), '--quiet'])
    expect([success.exitCode, success.json.stdout.length]).toEqual([0, 16 * MIB])
    const failure = await cliJson(['execute', await chatter(2, 17), '--quiet'])
    expect([failure.exitCode, failure.json.error.code]).toEqual([4, 'OUTPUT_LIMIT'])
    expect(failure.json.error.details.stderr.length).toBe(16 * MIB)
  })

  it('says on standard error which format it took', async () => {
    const json = await file('stdin.json', '{"buffer":[[10,0,0,0]],"ptr":0,"proofs":[]}')
    const [sp1, text] = await Promise.all([
      cli(['execute', FIBONACCI, '--stdin', guestInput('fibonacci')]),
      cli(['execute', FIBONACCI, '--stdin', json]),
    ])
    expect(sp1.stderr).toBe('stdin: read as sp1 (1 buffers)')
    expect(text.stderr).toBe('stdin: read as json (1 buffers)')
  })

  it('shows what executed how much, and what memory was used, with --explain', async () => {
    const args = ['execute', FIBONACCI, '--input', N_10, '--explain']
    const { stdout } = await cli(args)
    expect(stdout).toMatch(/tiers:\n {2}interpreter in WebAssembly +5,173 +100.0 %/)
    expect(stdout).toContain('translated: 0 units in 0 modules, 0 bytes')
    expect(stdout).toContain('memory: 69,632 bytes')
    const { json } = await cliJson([...args, '--engine', 'compiled'])
    expect(json.explanation).toEqual({
      cyclesByTier: { units: 5173, stepper: 0, interpreter: 0 },
      units: expect.arrayContaining([{ pc: '0x002023d4', function: 'main', instructions: 110 }]),
      modules: expect.any(Number),
      moduleBytes: expect.any(Number),
      guestBytes: 69_632,
    })
  })

  it('shows opcodes, syscalls and labels with --report', async () => {
    const input = ['--stdin', guestInput('cycle-tracker')]
    const run = await cli(['execute', guestElf('cycle-tracker'), ...input, '--report', '--quiet'])
    expect(run.stderr).toBe('')
    expect(run.stdout).toMatch(/opcodes:\n {2}ADD +1,728 +25.8 %/)
    expect(run.stdout).toMatch(/syscalls:\n {2}WRITE +46 +70.8 %/)
    expect(run.stdout).toMatch(/labels:\n {2}outer +312 +4.7 %\n {4}inner +63 +0.9 %/)
  })

  it('shows on standard error what the guest writes, line by line', async () => {
    const args = ['execute', guestElf('cycle-tracker'), '--stdin', guestInput('cycle-tracker')]
    const { stdout, stderr } = await cli(args)
    expect(stderr).toContain('\nguest stdout | first half, second half\nguest stdout | next line\n')
    expect(stderr).toContain('\nguest stderr | error output, one line\n')
    expect(stderr).toMatch(/\nguest stderr \| no newline at the end of error output$/)
    expect(stdout).not.toContain('guest')
    const json = await cliJson(args)
    expect(json.stderr).toBe('stdin: read as sp1 (1 buffers)')
    expect(json.json.stdout).toContain('first half, second half\nnext line\n')
  })

  it('shows it while the guest runs', async () => {
    const running = execa('node', [RUN, 'execute', guestElf('endless')], { reject: false })
    const said = await new Promise((resolve) => running.stderr.once('data', resolve))
    running.kill('SIGINT')
    expect([String(said), (await running).exitCode]).toEqual(['guest stdout | looping\n', 130])
  })

  it('writes a profile by function for speedscope', async () => {
    const path = join(folder, 'fibonacci.speedscope.json')
    const args = ['execute', FIBONACCI, '--input', N_10, '--profile', path]
    const { stdout } = await cli(args)
    expect(stdout).toContain(`profile        ${path}`)
    const { shared, profiles } = JSON.parse(await readFile(path, 'utf8'))
    expect(profiles[0]).toMatchObject({ name: 'fibonacci.elf', unit: 'none', endValue: 5173 })
    expect(shared.frames).toContainEqual({ name: 'sha2::sha256::compress256' })
    expect((await cliJson(args)).json).not.toHaveProperty('profile')
  })

  it('runs a guest with deferred proofs only if told to, and says that none was verified', async () => {
    const buffer = concatBytes(encodeU64LE(1n), encodeU64LE(4n), fromHex(N_10))
    const proofs = concatBytes(encodeU64LE(0n), encodeU64LE(2n), Uint8Array.of(1, 2, 3))
    const args = [
      'execute',
      FIBONACCI,
      '--stdin',
      await file('proofs.bin', concatBytes(buffer, proofs)),
    ]
    const refused = await cliJson(args)
    expect([refused.exitCode, refused.json.error.code]).toEqual([2, 'STDIN_DEFERRED_PROOFS'])
    expect(refused.json.error.details).toEqual({ count: '2' })
    args.push('--unverified-deferred-proofs')
    const { exitCode, json } = await cliJson(args)
    expect(exitCode).toBe(0)
    expect(json).toMatchObject({
      publicValues: '0x0a0000002200000037000000',
      unverifiedDeferredProofs: 2,
      unprovable: 'its stdin holds deferred proofs, which were not verified',
    })
    const human = await cli(args)
    expect(human.stdout).toContain('deferred       2 proofs, NOT VERIFIED')
    expect(human.stderr).toContain('stdin: read as sp1 (1 buffers, 2 deferred proofs)')
    expect(human.stderr).toContain('deferred proofs, which were not verified; prove refuses it')
  })

  it('runs it again and again with --repeat and says the median', async () => {
    const { json } = await cliJson(['execute', FIBONACCI, '--input', N_10, '--repeat', '3'])
    expect(json.runs).toEqual({
      firstMs: expect.any(Number),
      medianMs: expect.any(Number),
      firstMhz: expect.any(Number),
      medianMhz: expect.any(Number),
    })
  })

  it('warns of a run that SP1 could not prove', async () => {
    // Committing a buffer that was never loaded publishes zeroes, with the digest of the real bytes.
    const buffers = ['--input', '0x01000080', '--input', '0x616263']
    const args = ['execute', guestElf('inputs'), ...buffers]
    const { exitCode, json } = await cliJson(args)
    expect(exitCode).toBe(0)
    expect(json.unprovable).toBe('the committed digest is not the SHA-256 of the public values')
    expect((await cli(args)).stderr).toContain('prove refuses it')
  })
})

describe('refusals', () => {
  const refusals: readonly [string, number, string, () => Promise<string[]> | string[]][] = [
    ['a missing file', 2, 'FILE_UNREADABLE', () => [join(folder, 'nowhere.elf')]],
    ['a folder', 2, 'FILE_UNREADABLE', () => [folder]],
    ['a text file', 2, 'ELF_NOT_ELF', async () => [await file('a.txt', 'fn main() {}')]],
    ['an empty file', 2, 'ELF_NOT_ELF', async () => [await file('empty.elf', '')]],
    ['a program of this machine', 2, 'ELF_NOT_RV32', () => [process.execPath]],
    ['too few buffers', 3, 'HINT_MISSING', () => [FIBONACCI]],
    ['a wrong length', 3, 'GUEST_EXIT', () => [FIBONACCI, '--input', '0x0a']],
    ['an exit code', 3, 'GUEST_EXIT', () => [guestElf('exit-code'), '--input', '0x02000000']],
    ['a cycle limit', 4, 'CYCLE_LIMIT', () => [guestElf('endless'), '--cycle-limit', '10000']],
    [
      'a timeout',
      4,
      'TIMEOUT',
      () => [guestElf('endless'), '--timeout', '1', '--engine', 'interpreter'],
    ],
    [
      'a memory limit',
      4,
      'MEMORY_LIMIT',
      () => [FIBONACCI, '--input', N_10, '--memory-limit', '1'],
    ],
    ['too much output', 4, 'OUTPUT_LIMIT', async () => [await chatter(1, 17)]],
    ['too large public values', 4, 'OUTPUT_LIMIT', async () => [await chatter(3, 17)]],
    [
      'a profile where nothing can be written',
      2,
      'FILE_UNWRITABLE',
      () => [FIBONACCI, '--input', N_10, '--profile', join(folder, 'no', 'such.json')],
    ],
    [
      'a profile that is a folder',
      2,
      'FILE_UNWRITABLE',
      () => [FIBONACCI, '--input', N_10, '--profile', folder],
    ],
    [
      'a profile of several runs',
      2,
      'USAGE',
      () => [FIBONACCI, '--profile', join(folder, 'x.json'), '--repeat', '2'],
    ],
    ['no hex', 2, 'FLAG_INVALID', () => [FIBONACCI, '--input', '0x0']],
    ['an unknown flag', 2, 'USAGE', () => [FIBONACCI, '--fast']],
    ['no program', 2, 'USAGE', () => []],
    ['stdin and input', 2, 'USAGE', () => [FIBONACCI, '--input', N_10, '--stdin', FIBONACCI]],
    ['a format of no stdin', 2, 'FLAG_INVALID', () => [FIBONACCI, '--stdin-format', 'json']],
    ['standard input twice', 2, 'FLAG_INVALID', () => ['-', '--stdin', '-']],
    ['a device without an end', 2, 'FILE_UNREADABLE', () => ['/dev/zero']],
    ['an unknown release', 2, 'USAGE', () => [FIBONACCI, '--sp1', '1.0.0']],
  ]

  it.each(refusals)('%s: exit code %i, %s', async (_name, exitCode, code, args) => {
    const argv = ['execute', ...(await args())]
    const [human, machine] = await Promise.all([cli(argv), cliJson(argv)])
    expect(machine.exitCode).toBe(exitCode)
    expect(machine.json).toEqual({
      error: { code, message: expect.any(String), details: expect.any(Object) },
    })
    expect(human.exitCode).toBe(exitCode)
    expect(human.stdout).toBe('')
    expect(human.stderr).toContain(`error[${code}] ${machine.json.error.message}`)
    expect(human.stderr).not.toMatch(/^ {4}at /m)
  })

  it('an empty stdin file: asks for the format', async () => {
    const empty = await file('empty.bin', '')
    const auto = await cliJson(['execute', FIBONACCI, '--stdin', empty])
    expect([auto.exitCode, auto.json.error.code]).toEqual([2, 'STDIN_AMBIGUOUS'])
    const raw = await cliJson(['execute', FIBONACCI, '--stdin', empty, '--stdin-format', 'raw'])
    expect([raw.exitCode, raw.json.error.code]).toEqual([3, 'GUEST_EXIT'])
  })

  it('gives what a guest said before it failed', async () => {
    const args = ['execute', guestElf('panics'), '--stdin', guestInput('panics')]
    const { json } = await cliJson(args)
    expect(json.error.details).toMatchObject({ exitCode: 1, cycles: 8354, stdout: '' })
    expect(json.error.details.stderr).toContain('the reason given by the input')
    const lines = (await cli(args)).stderr.split('\n')
    // The guest says it twice; neither is repeated with the error.
    const said = lines.filter((line) => line === 'guest stderr | the reason given by the input')
    expect(said).toHaveLength(2)
    expect(lines.at(-1)).toMatch(/^error\[GUEST_EXIT\]/)
    expect((await cli([...args, '--quiet'])).stderr).toContain('guest stderr | the reason given')
  })

  it('shows a stack only at log level debug', async () => {
    const run = await cli(['execute', 'nowhere.elf', '--log-level', 'debug'])
    expect(run.stderr).toMatch(/^ {4}at /m)
  })
})

describe('configuration', () => {
  const limit = (run: { json: { error: { details: { limit: number } } } }) =>
    run.json.error.details.limit

  it('flags win over the environment, that over the config file, that over defaults', async () => {
    await file('.sp1-teerc', 'cycle-limit: 3000\n')
    const args = ['execute', guestElf('endless')]
    const env = { SP1_TEE_CYCLE_LIMIT: '2000' }
    expect(limit(await cliJson(args, { cwd: folder }))).toBe(3000)
    expect(limit(await cliJson(args, { cwd: folder, env }))).toBe(2000)
    expect(limit(await cliJson([...args, '--cycle-limit', '1000'], { cwd: folder, env }))).toBe(
      1000,
    )
    await rm(join(folder, '.sp1-teerc'))
  })

  it.each([
    ['unknown.json', '{"cycle-limits":1}'],
    ['type.json', '{"cycle-limit":"many"}'],
    ['range.yaml', 'cycle-limit: 0'],
    ['option.yaml', 'engine: magic'],
    ['broken.json', '{'],
    ['code.js', 'process.exit(99)'],
  ])('refuses %s', async (name, contents) => {
    const config = await file(name, contents)
    const run = await cliJson(['execute', FIBONACCI, '--config', config])
    expect([run.exitCode, run.json.error.code]).toEqual([2, 'CONFIG_INVALID'])
  })
})
