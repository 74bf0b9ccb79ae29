import { describe, expect, it } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import { parseCertificate } from '../../../src/core/dcap/certificate.js'
import { parsePckExtension } from '../../../src/core/dcap/pck-extension.js'
import * as der from '../../../src/core/tdx/der.js'
import { parsePemChain } from '../../../src/core/tdx/pem.js'
import { parseQuote } from '../../../src/core/tdx/quote.js'
import { SIMULATED_PLATFORM } from '../../../src/core/tdx/simulated-authority.js'
import { encodeSgxExtension } from '../../../src/core/tdx/simulated-certificates.js'
import { refusalOf } from '../tdx/samples.js'
import { readShared, SHARED_TDX } from '../tdx/shared.js'

const OID = '1.2.840.113741.1.13.1'
const entry = (arc: string, value: Uint8Array) =>
  der.sequence(der.objectIdentifier(`${OID}.${arc}`), value)
const octets = (length: number) => der.octetString(new Uint8Array(length))

function tcb(components = 16, pceSvn = 13): Uint8Array {
  return der.sequence(
    ...Array.from({ length: components }, (_, i) => entry(`2.${i + 1}`, der.integer(i))),
    entry('2.17', der.integer(pceSvn)),
    entry('2.18', octets(16)),
  )
}

/** As the Processor CA writes it: five entries. */
const FIVE = [
  entry('1', octets(16)),
  entry('2', tcb()),
  entry('3', octets(2)),
  entry('4', octets(6)),
  entry('5', der.enumerated(0)),
]
const replaced = (index: number, value: Uint8Array) =>
  der.sequence(...FIVE.map((original, i) => (i === index ? value : original)))

describe('the SGX extension', () => {
  it('with seven entries says what was written', () => {
    const platform = parsePckExtension(encodeSgxExtension(SIMULATED_PLATFORM), 'sample')
    expect(platform).toEqual({
      ...SIMULATED_PLATFORM,
      cpuSvn: [...SIMULATED_PLATFORM.cpuSvn],
      sgxType: 'scalable',
      configuration: { dynamicPlatform: true, cachedKeys: true, smtEnabled: true },
    })
  })

  it('with five entries has no platform instance', () => {
    const platform = parsePckExtension(der.sequence(...FIVE), 'sample')
    expect(platform).toMatchObject({ pceSvn: 13, sgxType: 'standard' })
    expect(platform.cpuSvn).toEqual(Array.from({ length: 16 }, (_, i) => i))
    expect(platform.platformInstanceId).toBeUndefined()
  })

  it.each<[string, Uint8Array]>([
    ['four entries', der.sequence(...FIVE.slice(0, 4))],
    ['six entries', der.sequence(...FIVE, entry('6', octets(16)))],
    ['entries in another order', der.sequence(...FIVE.toReversed())],
    ['an entry twice', der.sequence(FIVE[0]!, ...FIVE)],
    ['a short PPID', replaced(0, entry('1', octets(15)))],
    ['fifteen components', replaced(1, entry('2', tcb(15)))],
    ['a PCESVN that is no u16', replaced(1, entry('2', tcb(16, 65_536)))],
    ['a long FMSPC', replaced(3, entry('4', octets(7)))],
    ['an unknown kind of platform', replaced(4, entry('5', der.enumerated(3)))],
    ['a kind that is no enumeration', replaced(4, entry('5', der.integer(0)))],
    ['bytes after it', Uint8Array.from([...der.sequence(...FIVE), 0])],
  ])('with %s is refused', (_, bytes) => {
    expect(refusalOf(() => parsePckExtension(bytes, 'sample')).code).toBe('DER_MALFORMED')
  })

  it.skipIf(SHARED_TDX === undefined)('of real platforms is read (SP1_TEE_SHARED)', () => {
    const read = (name: string) => {
      const quote = parseQuote(readShared(`packs/${name}.quote.bin`))
      const [der] = parsePemChain(quote.certificationData.certificateChain)
      return parsePckExtension(parseCertificate(der!, 'leaf').sgxExtension!, 'leaf')
    }
    expect(toHex(read('dcapqvl_tdx_v4').fmspc)).toBe('0xb0c06f000000')
    expect(read('dcapqvl_tdx_v4').configuration).toBeDefined()
    expect(read('dcapqvl_sgx_v3').sgxType).toBe('standard')
    expect(read('dcapqvl_sgx_v3').configuration).toBeUndefined()
  })
})
