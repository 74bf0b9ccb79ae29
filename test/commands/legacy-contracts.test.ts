/** register, rotate and verify through the binary, on contracts that have only the calls of the first ones. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ANVIL_KEY, type Anvil, startAnvil } from '../../src/anvil.js'
import { connectChain } from '../../src/core/chain/client.js'
import { cliJson, guestElf } from '../support/cli.js'
import { deployLegacyContracts } from '../support/legacy-contracts.js'

let anvil: Anvil
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-legacy-'))
  anvil = await startAnvil()
})
afterAll(async () => {
  await anvil.stop()
  await rm(folder, { recursive: true })
})

it('register, rotate and verify work as on those of today', async () => {
  const state = ['--state-dir', join(folder, 'state')]
  const key = [...state, '--insecure-key-on-disk']
  const simulated = ['--provider', 'simulated', ...state]
  const attested = await cliJson(['attest', ...simulated, '--insecure-key-on-disk'])
  expect(attested.exitCode).toBe(0)
  const root = await readFile(join(folder, 'state/simulated/root.pem'))
  const chain = await connectChain({ rpcUrl: anvil.rpcUrl })
  const { registry, multiProof } = await deployLegacyContracts(chain, root)
  const payer = ['--rpc-url', anvil.rpcUrl, '--private-key', ANVIL_KEY, '--registry', registry]

  const verdictOf = async (name: string) => {
    const out = join(folder, name)
    const input = ['--input', '0x0a000000', '--out', out]
    const { json: proof } = await cliJson(['prove', guestElf('fibonacci'), ...input, ...key])
    const anchor = ['--rpc-url', anvil.rpcUrl, '--multiproof', multiProof]
    const { exitCode, json } = await cliJson(['verify', out, ...anchor])
    return { signer: proof.signer, exitCode, valid: json.valid }
  }
  const { signer, ...before } = await verdictOf('before.json')
  expect(before).toEqual({ exitCode: 5, valid: false })
  const registered = await cliJson(['register', ...payer, ...simulated])
  expect([registered.exitCode, registered.json.address]).toEqual([0, signer])
  expect(await verdictOf('registered.json')).toEqual({ signer, exitCode: 0, valid: true })

  const rotated = await cliJson(['rotate', ...payer, ...simulated])
  expect([rotated.exitCode, rotated.json.previous]).toEqual([0, signer])
  const after = { signer: rotated.json.current, exitCode: 0, valid: true }
  expect(await verdictOf('rotated.json')).toEqual(after)
}, 300_000)
