import { describe, expect, it } from 'vitest'
import { UnavailableError } from '../../../src/core/errors.js'
import {
  createProvider,
  type ProviderSource,
  type QuoteProvider,
  selectProvider,
} from '../../../src/core/tdx/provider.js'
import { AUTHORITY, QUOTE_V4, REPORT_DATA } from './samples.js'

function answering(quote: Uint8Array, { simulated = true } = {}): QuoteProvider {
  return createProvider({ name: 'test', simulated, request: async () => quote })
}

describe('every provider', () => {
  it('gives the quote as it came', async () => {
    const padded = Uint8Array.from([...QUOTE_V4, 0, 0])
    expect(await answering(padded).quote(REPORT_DATA)).toBe(padded)
  })

  it('copies the report data before it waits', async () => {
    const mine = REPORT_DATA.slice()
    const provider = createProvider({
      name: 'test',
      simulated: true,
      request: async (reportData) => AUTHORITY.quote(reportData),
    })
    const pending = provider.quote(mine)
    mine.fill(0)
    await expect(pending).resolves.toEqual(QUOTE_V4)
  })

  it('refuses report data that are not 64 bytes', async () => {
    await expect(answering(QUOTE_V4).quote(new Uint8Array(32))).rejects.toMatchObject({
      code: 'REPORT_DATA_LENGTH',
      exitCode: 2,
    })
  })

  it('refuses an answer over other report data', async () => {
    const other = REPORT_DATA.slice()
    other[40]! ^= 1
    await expect(answering(QUOTE_V4).quote(other)).rejects.toMatchObject({
      code: 'QUOTE_FOREIGN',
      exitCode: 6,
      httpStatus: 503,
      details: { offset: 40, asked: '0x282a2b2c2d2e2f30', got: '0x292a2b2c2d2e2f30' },
    })
  })

  it.each([
    ['empty', new Uint8Array(0), 'there are none'],
    ['garbage', new Uint8Array(5000).fill(0x5a), 'QUOTE_UNSUPPORTED in its version'],
    ['cut short', QUOTE_V4.slice(0, 1000), 'QUOTE_TRUNCATED in its signatureSection'],
  ])('refuses an answer that is %s', async (_, bytes, reason) => {
    await expect(answering(bytes).quote(REPORT_DATA)).rejects.toMatchObject({
      code: 'QUOTE_UNUSABLE',
      details: { provider: 'test', bytes: bytes.length, reason },
    })
  })

  it('refuses a simulated quote from a device that should be real', async () => {
    const provider = answering(QUOTE_V4, { simulated: false })
    await expect(provider.quote(REPORT_DATA)).rejects.toMatchObject({
      code: 'QUOTE_SIMULATION',
      details: { simulated: true },
    })
  })

  it('does not begin when it was aborted', async () => {
    await expect(answering(QUOTE_V4).quote(REPORT_DATA, AbortSignal.abort())).rejects.toMatchObject(
      { code: 'INTERRUPTED', exitCode: 130 },
    )
  })
})

describe('the choice of a provider', () => {
  const missing = new UnavailableError('TDX_DEVICE_MISSING', { reason: 'no such thing' })
  const denied = new UnavailableError('TDX_PERMISSION_DENIED', { step: 'mkdir', errno: 'EACCES' })
  function source(name: string, obstacle?: UnavailableError): ProviderSource {
    const simulated = name === 'simulated'
    return {
      name,
      simulated,
      probe: async () => obstacle,
      open: async () => createProvider({ name, simulated, request: async () => QUOTE_V4 }),
    }
  }
  const simulated = source('simulated')

  it('takes the first real one that works', async () => {
    const sources = [simulated, source('configfs', missing), source('azure'), source('http')]
    expect((await selectProvider('auto', sources)).name).toBe('azure')
  })

  it('never takes the simulated one unasked', async () => {
    const sources = [simulated, source('configfs', missing)]
    await expect(selectProvider('auto', sources)).rejects.toMatchObject({
      code: 'TDX_DEVICE_MISSING',
      message: expect.stringContaining('choose --provider simulated'),
      details: { reason: 'configfs: no such thing' },
    })
    await expect(selectProvider('auto', [simulated])).rejects.toMatchObject({
      code: 'TDX_DEVICE_MISSING',
    })
  })

  it('speaks of the device that is there rather than of those that are not', async () => {
    const sources = [source('azure', missing), source('configfs', denied), simulated]
    await expect(selectProvider('auto', sources)).rejects.toBe(denied)
  })

  it('takes the one that is named, or says why not', async () => {
    const sources = [source('configfs', denied), simulated]
    expect((await selectProvider('simulated', sources)).simulated).toBe(true)
    await expect(selectProvider('configfs', sources)).rejects.toBe(denied)
    await expect(selectProvider('sgx', sources)).rejects.toMatchObject({
      code: 'PROVIDER_UNKNOWN',
      details: { provider: 'sgx', known: 'auto, configfs, simulated' },
    })
  })
})
