/** A development chain of its own for a test file: anvil on a free loopback port, stopped at the end. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { foundryBinary } from '../../scripts/forge.mjs'

/** The first account that anvil funds; known to everybody, worth nothing. */
export const ANVIL_KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'

export interface Anvil {
  readonly rpcUrl: string
  readonly stop: () => Promise<void>
}

export async function startAnvil(options: readonly string[] = []): Promise<Anvil> {
  const args = ['--host', '127.0.0.1', '--port', '0', '--hardfork', 'osaka', ...options]
  const anvil = spawn(foundryBinary('anvil'), args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const rpcUrl = await new Promise<string>((resolve, reject) => {
    anvil.once('exit', () => reject(new Error('anvil ended before it listened')))
    createInterface(anvil.stdout).on('line', (line) => {
      const [, address] = /Listening on (127\.0\.0\.1:\d+)/.exec(line) ?? []
      if (address !== undefined) resolve(`http://${address}`)
    })
  })
  const stop = async () => {
    anvil.removeAllListeners('exit')
    anvil.kill()
    await once(anvil, 'exit')
  }
  return { rpcUrl, stop }
}
