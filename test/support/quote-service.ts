/**
 * A quote service over HTTP that a test breaks and mends, with a chain whose attestation contract
 * believes the quotes that it gives: they are a simulation's without its mark, which nothing else takes.
 */
import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Abi } from 'viem'
import { forge } from '../../scripts/forge.mjs'
import { concatBytes, fromHex, toHex } from '../../src/core/bytes.js'
import type { Chain, Contract } from '../../src/core/chain/client.js'
import { createGasPayer } from '../../src/core/chain/gas-payer.js'
import { deployContract, writeContract } from '../../src/core/chain/write.js'
import { encodePemChain, parsePemChain } from '../../src/core/tdx/pem.js'
import { encodeQuote, parseTdQuote } from '../../src/core/tdx/quote.js'
import type { SimulatedOverrides } from '../../src/core/tdx/simulated-authority.js'
import { SIMULATED_ORGANIZATION } from '../../src/core/tdx/simulated-mark.js'
import { AUTHORITY } from '../core/tdx/samples.js'

/** The second of anvil's accounts: the first pays for what the command sends. */
const PAYER_KEY = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d'
const OTHER_TD: SimulatedOverrides = { body: { mrtd: new Uint8Array(48).fill(9) } }
const HEADER_BYTES = 48
const BODY_BYTES = 584
/** Version 4, a TD 1.0 body, up to date, no FMSPC: as a contract of the layout v1.1 says it. */
const VERDICT = fromHex('0x0004000200000000000000')

export type QuoteMishap =
  | 'none'
  /** 503. */
  | 'down'
  /** The right report data, in a quote of a TD with another image. */
  | 'other TD'
  /** The quote of an earlier request. */
  | 'old quote'
  | 'garbage'

export interface QuoteService {
  readonly url: string
  readonly attestationContract: `0x${string}`
  mishap: QuoteMishap
  stop(): Promise<void>
}

export async function startQuoteService(chain: Chain): Promise<QuoteService> {
  const scripted = await deployScripted(chain)
  const payer = await createGasPayer(fromHex(PAYER_KEY))
  const server = createServer((request, response) => {
    answer(fromHex(`0x${String(request.url).slice(1)}`), response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const service: QuoteService = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    attestationContract: scripted.address,
    mishap: 'none',
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return service

  async function answer(reportData: Uint8Array, response: ServerResponse): Promise<void> {
    const { mishap } = service
    if (mishap === 'down') {
      response.writeHead(503).end('busy')
      return
    }
    if (mishap === 'garbage') {
      response.end('<html>')
      return
    }
    const asked = mishap === 'old quote' ? new Uint8Array(64).fill(1) : reportData
    const quote = unmarkedQuote(asked, mishap === 'other TD' ? OTHER_TD : {})
    const body = quote.subarray(HEADER_BYTES, HEADER_BYTES + BODY_BYTES)
    const verdict = toHex(concatBytes(VERDICT, body))
    await writeContract(chain, payer, scripted, 'script', [true, verdict, 0n])
    response.end(quote)
  }
}

/** Its certificates can be read, and are signed by nobody. */
export function unmarkedQuote(
  reportData: Uint8Array,
  overrides: SimulatedOverrides = {},
): Uint8Array {
  const quote = parseTdQuote(AUTHORITY.quote(reportData, overrides))
  const { certificateChain } = quote.certificationData
  const chain = parsePemChain(certificateChain).map((der) => {
    const latin1 = Buffer.from(der).toString('latin1')
    const other = latin1.replaceAll(
      SIMULATED_ORGANIZATION,
      'x'.repeat(SIMULATED_ORGANIZATION.length),
    )
    return new Uint8Array(Buffer.from(other, 'latin1'))
  })
  const certificationData = {
    ...quote.certificationData,
    certificateChain: encodePemChain(chain),
  }
  return encodeQuote({ ...quote, certificationData })
}

async function deployScripted(chain: Chain): Promise<Contract<Abi>> {
  if (forge(['build']).status !== 0) throw new Error('forge build failed')
  const path = '../../contracts/out/ScriptedAttestation.sol/ScriptedAttestation.json'
  const { abi, bytecode } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
  const code = { what: 'ScriptedAttestation', abi, bytecode: bytecode.object, args: [] }
  const payer = await createGasPayer(fromHex(PAYER_KEY))
  return { what: code.what, abi, address: await deployContract(chain, payer, code) }
}
