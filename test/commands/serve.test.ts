/** The service as its operator and its clients run it: real processes, a real chain, real HTTP. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ANVIL_KEY, startAnvil } from '../../src/anvil.js'
import { cli, cliJson, guestElf, guestInput } from '../support/cli.js'
import { startRpcProxy } from '../support/rpc-proxy.js'
import { BIN, type Server, startServe } from '../support/serve.js'

let folder: string
const servers: Server[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-serve-'))
})
afterAll(() => rm(folder, { recursive: true }))
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
})

async function serve(args: readonly string[]): Promise<Server> {
  const server = await startServe(args, join(folder, 'state'))
  servers.push(server)
  return server
}

const FREE_PORT = ['--listen', '127.0.0.1:0']

async function signerOf(url: string): Promise<string> {
  const answer = (await (await fetch(`${url}/v1/signer`)).json()) as { address: string }
  return answer.address
}

async function isRunning(pattern: string): Promise<boolean> {
  const child = spawn('pgrep', ['-f', pattern])
  const [code] = await once(child, 'exit')
  return code === 0
}

describe('serve --dev', () => {
  it('brings up everything: proofs are accepted on chain, changed and foreign ones are not', async () => {
    const { ready, stop } = await serve(['--dev', ...FREE_PORT])
    expect(ready.simulated).toBe(true)
    expect((await fetch(`${ready.url}/readyz`)).status).toBe(200)

    const proofFile = join(folder, 'proof.json')
    const input = ['--stdin', guestInput('fibonacci'), '--out', proofFile]
    const prove = await cliJson(['prove', guestElf('fibonacci'), ...input, '--url', ready.url])
    expect([prove.exitCode, prove.json.signer, prove.json.simulated]).toEqual([
      0,
      ready.signer,
      true,
    ])
    const anchor = ['--rpc-url', ready.rpcUrl, '--multiproof', ready.multiProof]
    const elf = ['--elf', guestElf('fibonacci')]
    const verify = await cliJson(['verify', proofFile, ...anchor, ...elf])
    expect(verify.json).toMatchObject({ valid: true, simulated: true })

    const forgedFile = join(folder, 'forged.json')
    const publicValues = `${prove.json.publicValues.slice(0, -2)}00`
    await writeFile(forgedFile, JSON.stringify({ ...prove.json, publicValues }))
    expect((await cliJson(['verify', forgedFile, ...anchor])).exitCode).toBe(5)

    expect(await stop()).toBe(0)
    expect(await isRunning(`anvil.*${new URL(ready.rpcUrl).port}`)).toBe(false)
    const after = await cliJson(['prove', guestElf('fibonacci'), '--url', ready.url])
    expect([after.exitCode, after.json.error.code]).toEqual([8, 'SERVER_UNREACHABLE'])
  })

  it('signs for its MultiProof by scheme eip712, after a rotation, too', async () => {
    const { ready } = await serve(['--dev', ...FREE_PORT, '--schemes', 'automata,eip712'])
    const signer = await (await fetch(`${ready.url}/v1/signer`)).json()
    expect(signer).toMatchObject({ multiProof: ready.multiProof, chainId: 31337 })
    const anchor = ['--rpc-url', ready.rpcUrl, '--multiproof', ready.multiProof]
    const out = join(folder, 'typed.json')
    const prove = (...expected: string[]) => {
      const args = [guestElf('fibonacci'), '--input', '0x0a000000', '--out', out]
      return cliJson(['prove', ...args, '--url', ready.url, '--scheme', 'eip712', ...expected])
    }
    const verdict = async () => (await cliJson(['verify', out, ...anchor])).json
    const { multiProof, workloadId } = signer as Record<string, string>
    const bound = ['--multiproof', multiProof!, '--chain', '31337', '--workload-id', workloadId!]
    const first = await prove(...bound)
    expect([first.exitCode, first.json.signer]).toEqual([0, ready.signer])
    expect(await verdict()).toMatchObject({ valid: true, simulated: true })

    const { json: rotation } = await cliJson(['rotate', '--url', ready.url])
    expect((await prove()).json.signer).toBe(rotation.current)
    expect((await verdict()).valid).toBe(true)

    const foreign = await prove('--chain', '1', '--multiproof', multiProof!)
    expect([foreign.exitCode, foreign.json.error.code]).toEqual([8, 'SERVER_ANSWER'])
    expect(foreign.json.error.message).toContain("its proof's chainId is 31337, not 1")
  }, 180_000)

  // Each round is two commands, and each computes the program's key.
  it('loses and refuses nothing while the signer rotates every second', {
    timeout: 180_000,
  }, async () => {
    const { ready } = await serve(['--dev', ...FREE_PORT, '--rotate-every', '1'])
    const signers = new Set<string>()
    for (let round = 0; round < 6; round++) {
      const out = join(folder, `round-${round}.json`)
      const args = ['--input', '0x0a000000', '--out', out, '--url', ready.url]
      const prove = await cliJson(['prove', guestElf('fibonacci'), ...args])
      expect(prove.exitCode).toBe(0)
      signers.add(prove.json.signer)
      const anchor = ['--rpc-url', ready.rpcUrl, '--multiproof', ready.multiProof]
      expect((await cliJson(['verify', out, ...anchor])).json.valid).toBe(true)
    }
    expect(signers.size).toBeGreaterThan(2)
    const rotate = await cliJson(['rotate', '--url', ready.url])
    expect(rotate.exitCode).toBe(0)
    expect(await signerOf(ready.url)).not.toBe(rotate.json.previous)
  })

  it('shows people the steps’ outcome, and stops on Ctrl-C', async () => {
    const args = ['serve', '--dev', ...FREE_PORT, '--state-dir', join(folder, 'state')]
    const child = spawn(process.execPath, [BIN, ...args], {
      env: { ...process.env, NO_COLOR: '1' },
    })
    let stdout = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
      if (stdout.includes('expires')) child.kill('SIGINT')
    })
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^SIMULATED/)
    for (const name of ['url', 'rpcUrl', 'registry', 'multiProof', 'signer']) {
      expect(stdout).toMatch(new RegExp(`^${name} +(http|0x)`, 'm'))
    }
  })
})

describe('serve against a chain that fails', () => {
  it('keeps its signer while the RPC answers errors, and rotates when it is back', async () => {
    const anvil = await startAnvil()
    const rpc = await startRpcProxy(anvil.rpcUrl)
    try {
      const payer = ['--private-key', ANVIL_KEY]
      const state = ['--state-dir', join(folder, 'state')]
      const deploy = ['deploy', '--rpc-url', anvil.rpcUrl, ...payer, ...state, '--simulated']
      const { json: contracts } = await cliJson(deploy)
      const registry = ['--registry', contracts.registry, '--provider', 'simulated']
      await cliJson(['policy', 'allow', '--rpc-url', anvil.rpcUrl, ...payer, ...state, ...registry])
      const { json: others } = await cliJson([...deploy, '--salt', `0x${'05'.repeat(32)}`])
      for (const [exitCode, multiProof] of [
        [2, []],
        [2, ['--multiproof', others.multiProof]],
        [7, ['--multiproof', contracts.registry]],
      ] as const) {
        const typed = ['--schemes', 'eip712', ...multiProof, '--rpc-url', anvil.rpcUrl]
        const refused = await cliJson(['serve', ...typed, ...payer, ...registry, ...state])
        expect([refused.exitCode, refused.stderr]).toEqual([exitCode, expect.any(String)])
      }
      const { ready, stderr } = await serve([
        '--rpc-url',
        rpc.url,
        ...payer,
        ...registry,
        ...FREE_PORT,
      ])

      const outages: [string, typeof rpc.tamper][] = [
        [
          'CHAIN_REVERTED',
          (method, block) =>
            method === 'eth_getBlockByNumber'
              ? { ...block, hash: `0x${'00'.repeat(32)}` }
              : undefined,
        ],
        [
          'RPC_FAILED',
          (method) => (method === 'eth_getTransactionCount' ? new Error('no') : undefined),
        ],
        [
          'REGISTRATION_UNREADABLE',
          (method, result) =>
            method === 'eth_call' && /^0x0+1$/.test(result) ? `0x${'00'.repeat(32)}` : undefined,
        ],
      ]
      for (const [code, tamper] of outages) {
        rpc.tamper = tamper
        const failed = await cliJson(['rotate', '--url', ready.url])
        expect([failed.exitCode, failed.json.error.code]).toEqual([7, code])
        expect(await signerOf(ready.url)).toBe(ready.signer)
      }
      rpc.tamper = () => undefined
      const rotated = await cliJson(['rotate', '--url', ready.url])
      expect([rotated.exitCode, rotated.json.previous]).toEqual([0, ready.signer])
      expect(stderr()).toContain(`signer: ${rotated.json.current}`)
    } finally {
      await Promise.all(servers.splice(0).map((server) => server.stop()))
      await rpc.stop()
      await anvil.stop()
    }
  }, 180_000)
})

describe('prove --url', () => {
  it('tells a guest’s failure as if it had run here', async () => {
    const { ready } = await serve(['--dev', ...FREE_PORT])
    const out = ['--out', join(folder, 'failed.json'), '--url', ready.url]
    const panics = ['prove', guestElf('panics'), '--stdin', guestInput('panics'), ...out]
    const failed = await cli(panics)
    expect(failed.exitCode).toBe(3)
    expect(failed.stderr).toContain('error[GUEST_EXIT]')
    expect(failed.stderr).toContain('guest stderr | the reason given by the input')
    const endless = ['prove', guestElf('endless'), '--cycle-limit', '100000', ...out]
    expect((await cliJson(endless)).json.error.code).toBe('CYCLE_LIMIT')
    await expect(readFile(out[1] ?? '')).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('refusals', () => {
  const common = [
    '--private-key',
    ANVIL_KEY,
    '--provider',
    'simulated',
    '--registry',
    `0x${'11'.repeat(20)}`,
  ]

  it.each<[string, number, string, string[]]>([
    [
      'an RPC that is not there',
      7,
      'RPC_UNREACHABLE',
      ['--rpc-url', 'http://127.0.0.1:1', ...common],
    ],
    ['no RPC', 2, 'FLAG_INVALID', common],
    ['no gas payer', 2, 'FLAG_INVALID', ['--rpc-url', 'http://127.0.0.1:1', ...common.slice(2)]],
    ['an address others can reach', 2, 'FLAG_INVALID', ['--dev', '--listen', '0.0.0.0:0']],
    ['no address', 2, 'FLAG_INVALID', ['--dev', '--listen', 'localhost']],
    ['every origin', 2, 'FLAG_INVALID', ['--dev', '--allow-origin', '*']],
    ['a page in place of an origin', 2, 'FLAG_INVALID', ['--dev', '--allow-origin', 'https://a/b']],
    ['a URL in place of a name', 2, 'FLAG_INVALID', ['--dev', '--public-host', 'https://a']],
    ['a chain beside --dev', 2, 'FLAG_INVALID', ['--dev', '--rpc-url', 'http://127.0.0.1:1']],
    [
      'an address of another machine',
      8,
      'LISTEN_FAILED',
      ['--dev', '--listen', '192.0.2.1:0', '--insecure'],
    ],
  ])('%s', async (_what, exitCode, code, args) => {
    const run = await cliJson(['serve', ...args, '--state-dir', join(folder, 'state')])
    expect([run.exitCode, run.json.error.code]).toEqual([exitCode, code])
  })

  it.each([
    ['an address others can reach', ['--listen', '0.0.0.0:0']],
    ['a proxy in front', [...FREE_PORT, '--insecure']],
  ])('addresses that sign, with %s and no name of the server', async (_what, args) => {
    const keys = join(folder, 'keys.json')
    await writeFile(keys, JSON.stringify({ addresses: [`0x${'11'.repeat(20)}`] }))
    const state = ['--state-dir', join(folder, 'state')]
    const run = await cliJson(['serve', '--dev', ...args, '--keys', keys, ...state])
    expect([run.exitCode, run.json.error.code]).toEqual([2, 'FLAG_INVALID'])
    expect(run.json.error.message).toContain('--public-host is needed')
  })

  it('asks for anvil by name where there is none', async () => {
    const away = join(folder, 'away')
    const env = { SP1_TEE_ANVIL: away }
    const run = await cliJson(['serve', '--dev', '--state-dir', away], { env })
    expect([run.exitCode, run.json.error.code]).toEqual([7, 'ANVIL_MISSING'])
    expect(run.json.error.message).toContain('@foundry-rs/anvil')
  })
})
