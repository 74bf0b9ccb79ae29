/** A chain of certificates as PEM text (RFC 7468): CERTIFICATE blocks and nothing else. */
import { fromBase64, toBase64 } from '../bytes.js'
import { InputError } from '../errors.js'

const LINE_CHARACTERS = 64
const BEGIN = '-----BEGIN CERTIFICATE-----'
const END = '-----END CERTIFICATE-----'
const BLOCK = /-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END CERTIFICATE-----/y
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
/** Between blocks and at the end; quotes end their chain with a zero byte. */
const SPACE = /[\s\0]*/y

/**
 * @returns the certificates' DER, in the order of the text; their contents are not looked at.
 * @throws InputError `PEM_MALFORMED` text outside of blocks, bad base64, or no block at all.
 */
export function parsePemChain(text: string): Uint8Array[] {
  const chain: Uint8Array[] = []
  let offset = matchAt(SPACE, text, 0)![0].length
  while (offset < text.length) {
    const block = matchAt(BLOCK, text, offset)
    if (block === undefined) throw malformed(offset, 'no CERTIFICATE block where one should be')
    const base64 = block[1]!.replaceAll(/[\r\n]/g, '')
    if (!BASE64.test(base64)) throw malformed(offset, 'a block is not base64')
    chain.push(fromBase64(base64))
    offset += block[0].length
    offset += matchAt(SPACE, text, offset)![0].length
  }
  if (chain.length === 0) throw malformed(0, 'it holds no certificate')
  return chain
}

export function encodePemChain(chain: readonly Uint8Array[]): string {
  return chain.map(encodeBlock).join('')
}

function encodeBlock(certificate: Uint8Array): string {
  const lines = toBase64(certificate).match(new RegExp(`.{1,${LINE_CHARACTERS}}`, 'g')) ?? []
  return `${[BEGIN, ...lines, END].join('\n')}\n`
}

function matchAt(sticky: RegExp, text: string, offset: number): RegExpExecArray | undefined {
  sticky.lastIndex = offset
  return sticky.exec(text) ?? undefined
}

function malformed(offset: number, reason: string): InputError<'PEM_MALFORMED'> {
  return new InputError('PEM_MALFORMED', { offset, reason })
}
