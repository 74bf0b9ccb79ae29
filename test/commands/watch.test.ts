/** watch runs until it is interrupted; what it prints of blocks is in the policy's test. */
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Anvil, anvilGasPayer, startAnvil } from '../../src/anvil.js'
import { connectChain } from '../../src/core/chain/client.js'
import { type Deployment, deployContracts } from '../../src/core/chain/deploy.js'
import { revokeWorkload } from '../../src/core/chain/measurement-policy.js'
import { cli } from '../support/cli.js'

const ROOT = new URL('../..', import.meta.url).pathname

let anvil: Anvil
let contracts: Deployment

beforeAll(async () => {
  anvil = await startAnvil()
  const chain = await connectChain({ rpcUrl: anvil.rpcUrl })
  const attestation = { simulatedRoot: { x: 1n, y: 2n } }
  const gasPayer = await anvilGasPayer()
  contracts = await deployContracts({ chain, gasPayer, attestation, layout: 'v1.1' })
})
afterAll(() => anvil.stop())

it('prints events as they come, and ends at Ctrl-C', async () => {
  const { registry } = contracts
  const args = ['watch', '--rpc-url', anvil.rpcUrl, '--registry', registry, '--interval', '1']
  const from = ['--from-block', '0', '--json']
  const watching = execa('node', [`${ROOT}bin/run.js`, ...args, ...from], { reject: false })
  const lines: string[] = []
  let wasRevoked = false
  for await (const line of watching) {
    lines.push(String(line))
    if (line.includes('RegistryBound')) {
      const chain = await connectChain({ rpcUrl: anvil.rpcUrl })
      const gasPayer = await anvilGasPayer()
      const workloadId = `0x${'01'.repeat(32)}` as const
      await revokeWorkload({ chain, registry, gasPayer, workloadId })
    }
    if (line.includes('WorkloadRevoked')) {
      wasRevoked = true
      watching.kill('SIGINT')
    }
  }
  const { exitCode, stderr } = await watching
  expect([wasRevoked, exitCode, stderr]).toEqual([true, 0, ''])
  expect(lines.every((line) => typeof JSON.parse(line).blockNumber === 'number')).toBe(true)
})

it('prints an error as a line, too', async () => {
  const nobody = ['--rpc-url', 'http://127.0.0.1:1', '--registry', contracts.registry]
  const { exitCode, stdout } = await cli(['watch', ...nobody, '--json'])
  expect([exitCode, stdout.split('\n').length]).toEqual([7, 1])
  expect(JSON.parse(stdout).error.code).toBe('RPC_UNREACHABLE')
})
