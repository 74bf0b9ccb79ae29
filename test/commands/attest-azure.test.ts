/** The commands on an Azure machine: a quote for people to verify, and none for a registry. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ANVIL_KEY, type Anvil, startAnvil } from '../../src/anvil.js'
import { type AzureMachine, startAzureMachine } from '../support/azure.js'
import { cli, cliJson } from '../support/cli.js'

let machine: AzureMachine
let folder: string
let provider: string[]
let env: Record<string, string>
beforeAll(async () => {
  machine = await startAzureMachine()
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-attest-azure-'))
  provider = ['--provider', 'azure', '--provider-url', machine.imdsUrl]
  provider.push('--state-dir', join(folder, 'state'), '--insecure-key-on-disk')
  env = { TPM2TOOLS_TCTI: machine.tcti }
  // What the paravisor is asked before anybody asked: an index that nobody wrote cannot be read.
  await machine.tool('tpm2_nvdefine', ['-C', 'o', '-s', '64', '0x01400002'])
  await machine.tool('tpm2_nvwrite', ['-C', 'o', '-i', '-', '0x01400002'], new Uint8Array(64))
})
afterAll(async () => {
  await machine.stop()
  await rm(folder, { recursive: true })
})

/** A command, while the paravisor looks at what it is asked again and again. */
async function attended<T>(command: Promise<T>): Promise<T> {
  let isDone = false
  const done = command.finally(() => {
    isDone = true
  })
  while (!isDone) await machine.answerReport()
  return done
}

describe('on Azure', () => {
  it('attest gives a quote with its runtime data, and verify says what they bind', async () => {
    const [quoteFile, dataFile] = [join(folder, 'q.bin'), join(folder, 'runtime.json')]
    const out = ['--out', quoteFile, '--runtime-data-out', dataFile]
    const { exitCode, json } = await attended(cliJson(['attest', ...provider, ...out], { env }))
    expect(exitCode).toBe(0)
    expect(json).toMatchObject({ provider: 'azure', simulated: false, runtimeDataFile: dataFile })
    const runtimeData = await readFile(dataFile)
    expect(json.runtimeData).toBe(`0x${runtimeData.toString('hex')}`)
    expect(JSON.parse(runtimeData.toString())['user-data'].toLowerCase()).toBe(
      json.reportData.slice(2),
    )

    // The quote is nobody's; the check of runtime data holds all the same.
    const collateral = join(folder, 'collateral.json')
    const simulated = ['--provider', 'simulated', '--state-dir', join(folder, 'other')]
    await cliJson(['attest', ...simulated, '--collateral-out', collateral])
    const verify = (file: string) =>
      cliJson(['quote', 'verify', quoteFile, '--collateral', collateral, '--runtime-data', file])
    const good = await verify(dataFile)
    expect(good.json.checks.at(-1)).toEqual({
      name: 'runtimeData',
      ok: true,
      detail: `they bind ${json.reportData}`,
    })
    const bad = await verify(quoteFile)
    expect(bad.exitCode).toBe(5)
    expect(bad.json.checks.at(-1)).toMatchObject({ ok: false, code: 'RUNTIME_DATA_UNBOUND' })
  })

  it('doctor says that no registry takes its quotes', async () => {
    const { stdout } = await attended(cli(['doctor', ...provider], { env }))
    expect(stdout).toMatch(
      /^ok {2}device +quotes come from azure; no registry takes them\nok {2}quote/,
    )
  })
})

describe('registration', () => {
  let anvil: Anvil
  beforeAll(async () => {
    anvil = await startAnvil()
  })
  afterAll(() => anvil.stop())

  it('is refused before anything is sent, with the reason', async () => {
    const payer = ['--rpc-url', anvil.rpcUrl, '--private-key', ANVIL_KEY]
    const state = ['--state-dir', join(folder, 'chain')]
    const { json: deployed } = await cliJson(['deploy', ...payer, '--simulated', ...state])
    const registry = ['--registry', deployed.registry]
    const run = await cliJson(['register', ...provider, ...payer, ...registry], { env })
    expect([run.exitCode, run.json.error.code]).toEqual([6, 'REPORT_DATA_INDIRECT'])
    expect(run.json.error.message).toContain('which a registry cannot read')
  })
})
