import { describe, expect, it } from 'vitest'
import { encodePemChain, parsePemChain } from '../../../src/core/tdx/pem.js'
import { refusalOf } from './samples.js'

const ONE = encodePemChain([Uint8Array.of(1, 2, 3)])

describe('PEM chains', () => {
  it('may have CRLF lines, blank lines between blocks and a zero byte at the end', () => {
    const text = `${ONE.replaceAll('\n', '\r\n')}\n\n${ONE}\0`
    expect(parsePemChain(text)).toEqual([Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3)])
  })

  it.each([
    ['nothing', '', 0, 'it holds no certificate'],
    ['only space', ' \n\0', 0, 'it holds no certificate'],
    ['text before', `x${ONE}`, 0, 'no CERTIFICATE block where one should be'],
    ['text after', `${ONE}x`, ONE.length, 'no CERTIFICATE block where one should be'],
    ['another block', ONE.replaceAll('CERTIFICATE', 'PRIVATE KEY'), 0, 'no CERTIFICATE block'],
    ['an end that is missing', ONE.slice(0, 40), 0, 'no CERTIFICATE block where one should be'],
    ['base64 of a wrong length', ONE.replace('AQID', 'AQI'), 0, 'a block is not base64'],
    ['padding inside', ONE.replace('AQID', 'AQ==AQID'), 0, 'a block is not base64'],
  ])('refuse %s', (_, text, offset, reason) => {
    expect(refusalOf(() => parsePemChain(text))).toMatchObject({
      code: 'PEM_MALFORMED',
      details: { offset, reason: expect.stringContaining(reason) },
    })
  })
})
