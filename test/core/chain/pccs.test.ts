/** Collateral from an on-chain PCCS: what is filed there, and what is not. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Anvil, startAnvil } from '../../../src/anvil.js'
import { type Chain, connectChain } from '../../../src/core/chain/client.js'
import { fetchOnChainCollateral, type TcbEvaluation } from '../../../src/core/chain/pccs.js'
import { collateralKeyOf } from '../../../src/core/dcap/collateral-key.js'
import { checkQuote } from '../../../src/core/dcap/verify-quote.js'
import { parseQuote } from '../../../src/core/tdx/quote.js'
import { deployPccs, fillPccs, type OnChainPccsStandIn } from '../../support/on-chain-pccs.js'
import { collateralOf, NOW, ROOT } from '../dcap/samples.js'
import { QUOTE_V4 } from '../tdx/samples.js'

const DOCUMENTS = collateralOf()
const QUOTE = parseQuote(QUOTE_V4)
const KEY = collateralKeyOf(QUOTE)

let anvil: Anvil
let chain: Chain
let pccs: OnChainPccsStandIn
beforeAll(async () => {
  anvil = await startAnvil()
  chain = await connectChain({ rpcUrl: anvil.rpcUrl })
  pccs = await deployPccs(chain)
  await fillPccs(pccs, DOCUMENTS, { evaluation: 19, fmspc: KEY.fmspc })
})
afterAll(() => anvil.stop())

const fetchWith = (evaluation?: TcbEvaluation, key = KEY) =>
  fetchOnChainCollateral(
    chain,
    { router: pccs.address, ...(evaluation !== undefined && { evaluation }) },
    key,
  )

describe('an on-chain PCCS', () => {
  it('gives the documents byte for byte, and a quote verifies with them', async () => {
    const collateral = await fetchWith()
    expect(collateral.documents).toEqual(DOCUMENTS)
    const { verified } = checkQuote({ quote: QUOTE, collateral, now: NOW, root: ROOT })
    expect(verified?.status).toBe('UpToDate')
    expect((await fetchWith(19)).documents).toEqual(DOCUMENTS)
  })

  it('is believed as little as a server: what was changed there is refused', async () => {
    const changed = DOCUMENTS.tcb_info.replace('"UpToDate"', '"OutOfDate"')
    const signature = `0x${DOCUMENTS.tcb_info_signature}`
    await pccs.send('setTcbInfo', 1, KEY.fmspc, 3, { tcbInfoStr: changed, signature })
    const collateral = await fetchWith()
    const { checks, verified } = checkQuote({ quote: QUOTE, collateral, now: NOW, root: ROOT })
    expect(verified).toBeUndefined()
    expect(checks.find(({ ok }) => !ok)).toMatchObject({ code: 'COLLATERAL_SIGNATURE' })
    await pccs.send('setTcbInfo', 1, KEY.fmspc, 3, { tcbInfoStr: '{', signature })
    await expect(fetchWith()).rejects.toMatchObject({ code: 'PCS_ANSWER' })
    await fillPccs(pccs, DOCUMENTS, { evaluation: 19, fmspc: KEY.fmspc })
  })

  it.each<[string, TcbEvaluation, Partial<typeof KEY>, string]>([
    ['an evaluation', 'early', {}, 'TCB info under TCB evaluation 20'],
    ['an evaluation by its number', 17, {}, 'TCB info under TCB evaluation 17'],
    [
      'the platform',
      'standard',
      { fmspc: '00806f050000' },
      'TCB info of FMSPC 00806f050000 under TCB evaluation 19',
    ],
    [
      'the TEE',
      'standard',
      { tee: 'sgx' },
      `TCB info of FMSPC ${KEY.fmspc} under TCB evaluation 19`,
    ],
  ])('says that it lacks %s', async (_, evaluation, key, what) => {
    await expect(fetchWith(evaluation, { ...KEY, ...key })).rejects.toMatchObject({
      code: 'PCCS_COLLATERAL_MISSING',
      exitCode: 7,
      details: { source: `PCCS ${pccs.address} on chain 31337`, what },
    })
  })

  it('says which contract refused, and why', async () => {
    await expect(fetchWith('standard', { ...KEY, ca: 'processor' })).rejects.toMatchObject({
      code: 'CHAIN_REVERTED',
      details: { call: 'getCertificateById of the on-chain PCCS' },
    })
    await expect(
      fetchOnChainCollateral(chain, { router: `0x${'11'.repeat(20)}` }, KEY),
    ).rejects.toMatchObject({ code: 'CONTRACT_MISSING' })
  })

  it('says that a list is missing', async () => {
    await pccs.send('setCertificate', 2, '0x3000', '0x')
    await expect(fetchWith()).rejects.toMatchObject({
      code: 'PCCS_COLLATERAL_MISSING',
      details: { what: 'CRL of the platform CA' },
    })
    await pccs.send('setEvaluation', 0, 0)
    await expect(fetchWith()).rejects.toMatchObject({ code: 'CHAIN_REVERTED' })
  })
})
