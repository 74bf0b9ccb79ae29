/** Deployments: the same addresses every time, from where they stopped, and what a file says of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Anvil, anvilGasPayer, startAnvil } from '../../../src/anvil.js'
import { type Hex, toHex } from '../../../src/core/bytes.js'
import {
  attestationWarnings,
  findAttestation,
} from '../../../src/core/chain/attestation-deployments.js'
import { bindContracts } from '../../../src/core/chain/bindings.js'
import { type Chain, connectChain } from '../../../src/core/chain/client.js'
import { DETERMINISTIC_DEPLOYER } from '../../../src/core/chain/create2.js'
import {
  type DeployOptions,
  deployContracts,
  planDeployment,
} from '../../../src/core/chain/deploy.js'
import { encodeDeployment, parseDeployment } from '../../../src/core/chain/deployment-file.js'
import type { GasPayer } from '../../../src/core/chain/gas-payer.js'
import { askRpc } from '../../support/ask-rpc.js'
import { type RpcProxy, startRpcProxy } from '../../support/rpc-proxy.js'

const GUARDIAN: Hex = `0x${'61'.repeat(20)}`
const GATEWAY: Hex = `0x${'62'.repeat(20)}`
const ROOT = { x: 1n, y: 2n }

let anvil: Anvil
let rpc: RpcProxy
let chain: Chain
let gasPayer: GasPayer

beforeAll(async () => {
  anvil = await startAnvil()
  rpc = await startRpcProxy(anvil.rpcUrl)
  chain = await connectChain({ rpcUrl: rpc.url, txTimeoutMs: 2_000 })
  gasPayer = await anvilGasPayer()
})
afterAll(async () => {
  await rpc.stop()
  await anvil.stop()
})

function options(more: Partial<DeployOptions> = {}): DeployOptions {
  const attestation = { simulatedRoot: ROOT }
  return { chain, gasPayer, attestation, layout: 'v1.1', ...more }
}

describe('a deployment', () => {
  it('is planned, made, and then only found', async () => {
    const choice = options({ guardian: GUARDIAN, gateway: GATEWAY })
    const plan = await planDeployment(choice)
    expect(plan.steps.map(({ contract, isDone }) => [contract, isDone])).toEqual([
      ['SimulatedAttestation', false],
      ['MeasurementPolicy', false],
      ['TEEProverRegistry', false],
      ['MultiProof', false],
    ])
    const deployment = await deployContracts(choice)
    expect(deployment).toEqual(plan.deployment)
    const after = await planDeployment(choice)
    expect(after.steps.every(({ isDone }) => isDone)).toBe(true)
    const nonce = await askRpc(anvil.rpcUrl, 'eth_getTransactionCount', [
      gasPayer.address,
      'latest',
    ])
    expect(await deployContracts(choice)).toEqual(deployment)
    expect(
      await askRpc(anvil.rpcUrl, 'eth_getTransactionCount', [gasPayer.address, 'latest']),
    ).toBe(nonce)

    const { registry, policy, multiProof } = bindContracts(chain, deployment)
    const lower = async (address: Promise<Hex>) => (await address).toLowerCase()
    expect(await lower(registry.read.policy())).toBe(deployment.policy)
    expect(await lower(policy.read.registry())).toBe(deployment.registry)
    expect(await lower(policy.read.guardian())).toBe(GUARDIAN)
    expect(await lower(multiProof.read.gateway())).toBe(GATEWAY)
    expect(await lower(multiProof.read.teeProverRegistry())).toBe(deployment.registry)
    expect(await lower(registry.read.owner())).toBe(gasPayer.address.toLowerCase())
    expect(await registry.read.outputLayout()).toBe(1)
  })

  it('has other addresses with another salt, owner or layout', async () => {
    const { deployment: first } = await planDeployment(options())
    const others = [
      { salt: toHex(new Uint8Array(32).fill(1)) },
      { owner: GUARDIAN },
      { layout: 'v1.0' as const },
    ]
    for (const other of others) {
      const { deployment } = await planDeployment(options(other))
      expect(deployment.registry).not.toBe(first.registry)
      expect(deployment.multiProof).not.toBe(first.multiProof)
    }
  })

  it('goes on where it stopped', async () => {
    const choice = options({ salt: toHex(new Uint8Array(32).fill(2)) })
    let sends = 0
    rpc.tamper = (method) =>
      method === 'eth_estimateGas' && ++sends > 2 ? new Error('the node is down') : undefined
    await expect(deployContracts(choice)).rejects.toMatchObject({ code: 'RPC_FAILED' })
    rpc.tamper = () => undefined
    const { steps } = await planDeployment(choice)
    expect(steps.map(({ isDone }) => isDone)).toEqual([true, true, false, false])
    const { registry, policy } = await deployContracts(choice)
    const { policy: bound } = bindContracts(chain, { registry, policy, multiProof: registry })
    expect((await bound.read.registry()).toLowerCase()).toBe(registry)
  })

  it('by a gas payer that is not the owner: the policy is bound, and owned', async () => {
    const choice = options({ owner: GUARDIAN })
    const deployment = await deployContracts(choice)
    const { policy } = bindContracts(chain, deployment)
    expect((await policy.read.registry()).toLowerCase()).toBe(deployment.registry)
    expect((await policy.read.owner()).toLowerCase()).toBe(GUARDIAN)
  })

  it('over a real attestation contract has a probe of its collateral, for layout v1.1 alone', async () => {
    const { attestation } = await deployContracts(options())
    const over = { attestation: { contract: attestation } }
    const { deployment } = await planDeployment(options(over))
    expect(deployment.collateralProbe).toMatch(/^0x[0-9a-f]{40}$/)
    const older = await planDeployment(options({ ...over, layout: 'v1.0' }))
    expect(older.deployment.collateralProbe).toBeUndefined()
    const nowhere = { attestation: { contract: GUARDIAN } }
    await expect(planDeployment(options(nowhere))).rejects.toMatchObject({
      code: 'CONTRACT_MISSING',
    })
  })

  it('needs the deterministic deployer', async () => {
    const code = await askRpc(anvil.rpcUrl, 'eth_getCode', [DETERMINISTIC_DEPLOYER, 'latest'])
    await askRpc(anvil.rpcUrl, 'anvil_setCode', [DETERMINISTIC_DEPLOYER, '0x'])
    await expect(planDeployment(options())).rejects.toMatchObject({ code: 'DEPLOYER_MISSING' })
    await askRpc(anvil.rpcUrl, 'anvil_setCode', [DETERMINISTIC_DEPLOYER, code])
  })
})

describe('the deployment file', () => {
  const deployment = {
    chainId: 31337,
    attestation: GUARDIAN,
    policy: GATEWAY,
    registry: GUARDIAN,
    multiProof: GATEWAY,
  }
  const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

  it('says what was deployed', () => {
    const whole = { ...deployment, collateralProbe: GUARDIAN }
    expect(parseDeployment(encodeDeployment(deployment), 'file')).toEqual(deployment)
    expect(parseDeployment(encodeDeployment(whole), 'file')).toEqual(whole)
  })

  it.each([
    ['no JSON', new TextEncoder().encode('{')],
    ['no object', text(null)],
    ['another version', text({ ...deployment, version: 2 })],
    ['no chain', text({ ...deployment, version: 1, chainId: 0 })],
    ['an unknown field', text({ ...deployment, version: 1, more: 1 })],
    ['a missing address', text({ ...deployment, version: 1, policy: undefined })],
    ['a wrong address', text({ ...deployment, version: 1, collateralProbe: '0x12' })],
  ])('refuses %s', (_name, bytes) => {
    expect(() => parseDeployment(bytes, 'file')).toThrow(
      expect.objectContaining({ code: 'DEPLOYMENT_MALFORMED' }),
    )
  })
})

describe('known attestation contracts', () => {
  it('are found by chain and layout, with what must be known of them', () => {
    const mainnet = findAttestation(1, 'v1.1')
    expect(mainnet).toBe('0x0387ab2edab2a138a43437e36af63689bb7030f4')
    expect(attestationWarnings(1, mainnet as Hex)).toHaveLength(1)
    const story = findAttestation(1514, 'v1.1')
    expect(attestationWarnings(1514, story as Hex)).toEqual([])
    const older = findAttestation(1398243, 'v1.0')
    expect(attestationWarnings(1398243, older as Hex)).toHaveLength(2)
    expect(findAttestation(31337, 'v1.1')).toBeUndefined()
    expect(attestationWarnings(31337, mainnet as Hex)).toEqual([])
  })
})
