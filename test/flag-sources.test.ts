/** What a typed flag, the environment and the config file say of the same thing, by the built commands. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli, cliJson, guestElf } from './support/cli.js'

const A = `0x${'aa'.repeat(20)}`
const B = `0x${'bb'.repeat(20)}`
const C = `0x${'cc'.repeat(20)}`

let folder: string
const at = (name: string) => join(folder, name)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-sources-'))
  await writeFile(at('password.txt'), 'secret')
  await writeFile(at('deployment.json'), JSON.stringify(deployment))
})
afterAll(() => rm(folder, { recursive: true }))

const deployment = {
  version: 1,
  chainId: 31337,
  attestation: C,
  policy: C,
  registry: C,
  multiProof: C,
}

/** A run in the folder, below which is home, with `config` as its config file. */
async function run(args: string[], config: object, env: Record<string, string> = {}) {
  await writeFile(at('config.json'), JSON.stringify(config))
  const all = [...args, '--config', at('config.json'), '--state-dir', at('state')]
  return cliJson(all, { cwd: folder, env: { HOME: folder, ...env } })
}
const errorOf = ({ json }: { json: { error: { code: string; details: object } } }) => json.error

describe('who pays', () => {
  const register = ['register', '--registry', A, '--password-file', 'password.txt']
  const account = {
    code: 'FILE_UNREADABLE',
    details: { path: expect.stringMatching(/keystores\/me$/) },
  }
  it.each<[string, string[], object, Record<string, string>, object]>([
    [
      'an account before a keystore of the config',
      ['--account', 'me'],
      { keystore: '/x' },
      {},
      account,
    ],
    ['an account before ETH_KEYSTORE', ['--account', 'me'], {}, { ETH_KEYSTORE: '/x' }, account],
    [
      'ETH_KEYSTORE_ACCOUNT before a keystore of the config',
      [],
      { keystore: '/x' },
      { ETH_KEYSTORE_ACCOUNT: 'me' },
      account,
    ],
    ['an account of the config where nothing else is', [], { account: 'me' }, {}, account],
    [
      'a key before both',
      ['--private-key', '0x01'],
      { keystore: '/x' },
      { ETH_KEYSTORE_ACCOUNT: 'me' },
      { code: 'FLAG_INVALID' },
    ],
    [
      'nobody, where the config names two',
      [],
      { keystore: '/x', account: 'me' },
      {},
      { code: 'CONFIG_INVALID' },
    ],
    [
      'nobody, where two are typed',
      ['--keystore', '/x', '--account', 'me'],
      {},
      {},
      { code: 'USAGE' },
    ],
  ])('%s', async (_, args, config, env, expected) => {
    const result = await run([...register, ...args], config, env)
    expect([result.exitCode, errorOf(result)]).toMatchObject([2, expected])
  })
})

describe('which contracts', () => {
  const PRESET = 0xf42b05b7
  const prove = ['prove', guestElf('fibonacci'), '--input', '0x0a000000', '--scheme', 'eip712']
  const local = ['--insecure-key-on-disk', '--workload-id', `0x${'01'.repeat(32)}`]
  const domainOf = async (...[args, config, env]: Parameters<typeof run>) => {
    const { json } = await run([...prove, ...local, ...args], config, env)
    return json.domain ?? json
  }
  const preset = {
    chainId: 1398243,
    verifyingContract: expect.stringContaining(PRESET.toString(16)),
  }
  const deployed = { chainId: 31337, verifyingContract: C }

  it('a typed preset before a deployment, and before contracts, of elsewhere', async () => {
    const typed = ['--preset', 'automata-testnet']
    const config = { deployment: 'deployment.json', multiproof: A, chain: 5 }
    expect(await domainOf(typed, config)).toMatchObject(preset)
    const env = { SP1_TEE_DEPLOYMENT: 'deployment.json', SP1_TEE_MULTIPROOF: A, CHAIN: '5' }
    expect(await domainOf(typed, {}, env)).toMatchObject(preset)
  })

  it('a typed contract before a deployment, whose chain stays', async () => {
    const config = { deployment: 'deployment.json' }
    expect(await domainOf(['--multiproof', B], config)).toEqual({
      ...{ name: 'SP1 TEE Prover', version: '1' },
      ...{ ...deployed, verifyingContract: B },
    })
  })

  it('a contract and a deployment of the same source: the contract', async () => {
    const config = { deployment: 'deployment.json', multiproof: A }
    expect(await domainOf([], config)).toMatchObject({ ...deployed, verifyingContract: A })
    const env = { SP1_TEE_DEPLOYMENT: 'deployment.json' }
    expect(await domainOf([], config, env)).toMatchObject(deployed)
  })
})

describe('a flag that says something only beside another one', () => {
  const prove = ['prove', guestElf('fibonacci'), '--input', '0x0a000000', '--insecure-key-on-disk']

  it('is left out if the config file or the environment has it', async () => {
    const config = { policy: 'nowhere.yaml', 'tcb-evaluation': 'early' }
    const { exitCode, json } = await run(prove, config, { SP1_TEE_TCB_EVALUATION: 'standard' })
    expect([exitCode, json.scheme]).toEqual([0, 'automata'])
  })

  it('is heeded with that', async () => {
    const config = { policy: 'nowhere.yaml', url: 'http://127.0.0.1:1' }
    expect(errorOf(await run(prove, config))).toMatchObject({
      code: 'FILE_UNREADABLE',
      details: { path: 'nowhere.yaml' },
    })
    const attestation = [...prove, '--attestation', 'nowhere.json']
    expect(errorOf(await run(attestation, config))).toMatchObject({
      code: 'FLAG_INVALID',
      details: { flag: '--attestation' },
    })
    expect(errorOf(await run(attestation, { policy: 'nowhere.yaml' }))).toMatchObject({
      code: 'FILE_UNREADABLE',
      details: { path: 'nowhere.json' },
    })
  })

  it('is refused if it is typed', async () => {
    const doctor = ['doctor', '--provider', 'simulated']
    expect(errorOf(await run([...doctor, '--registry', A], {})).code).toBe('USAGE')
    expect((await run(doctor, { registry: A })).exitCode).toBe(0)
    expect(errorOf(await run([...prove, '--policy', 'p.yaml'], {})).code).toBe('USAGE')
    const config = { 'pccs-contract': A }
    const typed = ['--pccs-url', 'http://127.0.0.1:1', '--tcb-evaluation', 'early']
    expect(errorOf(await run(['doctor', ...typed], config)).code).toBe('USAGE')
  })

  it('of serve, too; but half of a pair is refused', async () => {
    const serve = ['serve', '--listen', '0.0.0.0:1']
    const env = { SP1_TEE_ANVIL: '/x', SP1_TEE_S3_ENDPOINT: 'http://127.0.0.1:1' }
    expect(errorOf(await run(serve, {}, env)).code).toBe('FLAG_INVALID')
    expect(errorOf(await run(serve, { 'tls-cert': '/x' }, env)).code).toBe('USAGE')
    expect(errorOf(await run(serve, {}, { ...env, SP1_TEE_TLS_KEY: '/x' })).code).toBe('USAGE')
  })
})

describe('how much is said', () => {
  const remark = 'stdin: read as json'
  async function saidWith(config: object, env: Record<string, string> = {}, ...args: string[]) {
    await mkdir(at('quiet'), { recursive: true })
    await writeFile(at('quiet/.sp1-teerc'), JSON.stringify(config))
    const input = '{"buffer":["0x0a000000"]}'
    const all = ['execute', guestElf('fibonacci'), '--stdin', '-', ...args]
    return (await cli(all, { cwd: at('quiet'), env, input })).stderr
  }

  it('is what the config file says', async () => {
    expect(await saidWith({})).toContain(remark)
    expect(await saidWith({ quiet: true })).toBe('')
    expect(await saidWith({ 'log-level': 'warn' })).toBe('')
  })

  it('or the environment, or a flag', async () => {
    expect(await saidWith({}, { SP1_TEE_QUIET: '1' })).toBe('')
    expect(await saidWith({ quiet: true }, { SP1_TEE_QUIET: '0' })).toContain(remark)
    expect(await saidWith({ 'log-level': 'warn' }, {}, '--log-level', 'info')).toContain(remark)
    expect(await saidWith({ 'log-level': 'info' }, { SP1_TEE_LOG_LEVEL: 'error' })).toBe('')
  })
})

describe('standard input', () => {
  it('is read once', async () => {
    const execute = ['execute', guestElf('fibonacci'), '--input', '@-', '--input', '@-']
    const { exitCode, json } = await cliJson(execute, { input: 'abcd' })
    expect([exitCode, json.error.code]).toEqual([2, 'FILE_UNREADABLE'])
    expect(json.error.message).toContain('only one of the files')
  })

  it('is never taken for an argument that is missing', async () => {
    const input = 'nowhere.elf\n'
    const vkey = await cliJson(['vkey'], { input })
    expect([vkey.exitCode, vkey.json.error.code]).toEqual([2, 'USAGE'])
    const execute = await cliJson(['execute'], { input })
    expect([execute.exitCode, execute.json.error.code]).toEqual([2, 'USAGE'])
    const simulated = ['--provider', 'simulated', '--state-dir', at('state')]
    expect((await cli(['quote', 'measure', ...simulated], { input })).exitCode).toBe(0)
  })
})
