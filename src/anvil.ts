/**
 * A development chain: anvil on a free loopback port. Foundry's own, from PATH, or the npm package
 * that has it.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { createGasPayer, fromHex, type GasPayer, UnavailableError } from './core/index.js'

/** The first account that anvil funds; known to everybody, worth nothing. */
export const ANVIL_KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
const PACKAGE = '@foundry-rs/anvil-linux-amd64'
/** The hardfork whose rules the contracts are tested with. */
const HARDFORK = 'osaka'

export interface Anvil {
  readonly rpcUrl: string
  stop(): Promise<void>
}

/**
 * @throws UnavailableError `ANVIL_MISSING`, `ANVIL_FAILED`
 */
export async function startAnvil(
  options: readonly string[] = [],
  binary = anvilBinary(),
): Promise<Anvil> {
  const args = ['--host', '127.0.0.1', '--port', '0', '--hardfork', HARDFORK, ...options]
  const anvil = execa(binary, args, {
    stdin: 'ignore',
    stderr: 'ignore',
    buffer: false,
    reject: false,
  })
  const { stdout } = anvil
  const rpcUrl = await new Promise<string>((resolve, reject) => {
    createInterface({ input: stdout }).on('line', (line) => {
      const [, address] = /Listening on (127\.0\.0\.1:\d+)/.exec(line) ?? []
      if (address !== undefined) resolve(`http://${address}`)
    })
    anvil.then(({ code, exitCode }) => {
      if (code === 'ENOENT')
        return reject(new UnavailableError('ANVIL_MISSING', { package: PACKAGE }))
      return reject(
        new UnavailableError('ANVIL_FAILED', { reason: `exit code ${exitCode ?? code}` }),
      )
    })
  })
  const stop = async () => {
    anvil.kill()
    await anvil
  }
  return { rpcUrl, stop }
}

/** Pays on a development chain. */
export function anvilGasPayer(): Promise<GasPayer> {
  return createGasPayer(fromHex(ANVIL_KEY))
}

function anvilBinary(): string {
  try {
    const manifest = createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`)
    return join(dirname(manifest), 'bin', 'anvil')
  } catch {
    return 'anvil'
  }
}
