/**
 * Changes to quotes and collateral files, and the judgement on each: refused in a typed way, or valid
 * because nothing that is signed was changed. Deterministic: a number names a mutation.
 */

import { concatBytes, equalBytes, fromHex, toHex } from '../../src/core/bytes.js'
import {
  type Collateral,
  type CollateralDocuments,
  encodeCollateral,
  openCollateral,
  parseCollateral,
} from '../../src/core/dcap/collateral.js'
import { checkQuote } from '../../src/core/dcap/verify-quote.js'
import { InputError } from '../../src/core/errors.js'
import { encodeSgxReport } from '../../src/core/tdx/certification.js'
import { encodePemChain, parsePemChain } from '../../src/core/tdx/pem.js'
import { encodeQuote, encodeSignedBytes, parseQuote, type Quote } from '../../src/core/tdx/quote.js'
import { AUTHORITY, collateralOf, NOW, REPORT_DATA, ROOT } from '../core/dcap/samples.js'

const QUOTES = [2, 3, 4].map((bodyType) =>
  AUTHORITY.quote(REPORT_DATA, { body: { bodyType: bodyType as 2 | 3 | 4 } }),
)
const QUOTE = QUOTES[0]!
const DOCUMENTS: CollateralDocuments = collateralOf({ revoked: [] })
const COLLATERAL = openCollateral(DOCUMENTS)
const COLLATERAL_FILE = encodeCollateral(COLLATERAL)

export type Judgement = 'malformed' | 'refused' | 'valid'

export interface Subject {
  readonly quote: Uint8Array
  readonly file: Uint8Array
}

/** Where a mutation hits: whole files, and the structures within them, which are encoded again. */
const TARGETS: readonly ((random: Random) => Subject & { readonly what: string })[] = [
  (random) => {
    const quote = mutate(QUOTES[random(QUOTES.length)]!, random)
    return { what: 'quote', quote, file: COLLATERAL_FILE }
  },
  (random) => ({ what: 'file', quote: QUOTE, file: mutate(COLLATERAL_FILE, random) }),
  (random) => {
    const quote = parseQuote(QUOTE)
    const certificateChain = mutateChain(quote.certificationData.certificateChain, random)
    const certificationData = { ...quote.certificationData, certificateChain }
    const changed = encodeQuote({ ...quote, certificationData })
    return { what: "quote's certificate", quote: changed, file: COLLATERAL_FILE }
  },
  ...(['pck_crl', 'root_ca_crl', 'tcb_info_signature', 'qe_identity_signature'] as const).map(
    (name) => (random: Random) =>
      withDocument(name, toHex(mutate(fromHex(`0x${DOCUMENTS[name]}`), random)).slice(2)),
  ),
  ...(['pck_crl_issuer_chain', 'tcb_info_issuer_chain', 'qe_identity_issuer_chain'] as const).map(
    (name) => (random: Random) => withDocument(name, mutateChain(DOCUMENTS[name], random)),
  ),
  ...(['tcb_info', 'qe_identity'] as const).map((name) => (random: Random) => {
    const changed = mutate(new TextEncoder().encode(DOCUMENTS[name]), random)
    return withDocument(name, new TextDecoder('latin1').decode(changed))
  }),
]

/** @throws if it crashed, or was valid with other contents than were signed */
export function judgeMutation(number: number): Judgement {
  const subject = subjectOf(number)
  let quote: Quote
  let collateral: Collateral
  try {
    quote = parseQuote(subject.quote)
    collateral = parseCollateral(subject.file)
  } catch (error) {
    if (error instanceof InputError) return 'malformed'
    throw error
  }
  const { checks, verified } = checkQuote({ quote, collateral, now: NOW, root: ROOT })
  if (verified === undefined) {
    if (checks.every(({ code }) => code === undefined)) throw new Error('refused without a reason')
    return 'refused'
  }
  const original = parseQuote(QUOTES[quote.body.bodyType - 2]!)
  const before = [...signedPartsOf(original), ...signedPartsOfFile(COLLATERAL)]
  const after = [...signedPartsOf(quote), ...signedPartsOfFile(collateral)]
  for (const [i, part] of before.entries()) {
    if (!equalBytes(part, after[i]!)) throw new Error(`valid, though signed part ${i} was changed`)
  }
  return 'valid'
}

/** For when one is looked into. */
export function describeMutation(number: number): string {
  return `mutation ${number} of the ${subjectOf(number).what}`
}

/** The files of a mutation; the quote was made, and is good, at NOW under ROOT. */
export function subjectOf(number: number): Subject & { readonly what: string } {
  const random = randomFrom(number)
  return TARGETS[number % TARGETS.length]!(random)
}

function withDocument(what: keyof CollateralDocuments, text: string) {
  const file = encodeCollateral({ documents: { ...DOCUMENTS, [what]: text } })
  return { what, quote: QUOTE, file }
}

function mutateChain(pem: string, random: Random): string {
  const chain = parsePemChain(pem)
  const at = random(chain.length)
  return encodePemChain(chain.map((der, i) => (i === at ? mutate(der, random) : der)))
}

/** All that some key vouches for: nothing of it may change in a quote that stays valid. */
function signedPartsOf(quote: Quote): Uint8Array[] {
  const { qeReport, qeAuthData, certificateChain } = quote.certificationData
  return [
    encodeSignedBytes(quote),
    quote.attestationKey,
    encodeSgxReport(qeReport),
    qeAuthData,
    ...parsePemChain(certificateChain),
  ]
}

function signedPartsOfFile({ documents }: Collateral): Uint8Array[] {
  const text = (value: string) => new TextEncoder().encode(value)
  return [
    ...parsePemChain(documents.pck_crl_issuer_chain),
    ...parsePemChain(documents.tcb_info_issuer_chain),
    ...parsePemChain(documents.qe_identity_issuer_chain),
    text(documents.root_ca_crl.toLowerCase()),
    text(documents.pck_crl.toLowerCase()),
    text(documents.tcb_info),
    text(documents.qe_identity),
  ]
}

type Random = (below: number) => number

function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  // Most often one bit, which is what hides best.
  const times = random(4) === 0 ? 2 + random(3) : 1
  let changed = bytes
  for (let i = 0; i < times; i++) changed = CHANGES[random(CHANGES.length)]!(changed, random)
  return changed
}

const flip = (bytes: Uint8Array, random: Random): Uint8Array => {
  const copy = bytes.slice()
  copy[random(copy.length)]! ^= 1 << random(8)
  return copy
}

const CHANGES: readonly ((bytes: Uint8Array, random: Random) => Uint8Array)[] = [
  ...Array(6).fill(flip),
  // Another byte, none, some, or a piece of it once more.
  (bytes, random) => spliced(bytes, random(bytes.length), 1, Uint8Array.of(random(256))),
  (bytes, random) => spliced(bytes, random(bytes.length), 1 + random(4), new Uint8Array(0)),
  (bytes, random) => spliced(bytes, random(bytes.length), 0, Uint8Array.of(random(256))),
  (bytes, random) => {
    const start = random(bytes.length)
    const piece = bytes.slice(start, start + 1 + random(64))
    return spliced(bytes, random(bytes.length), piece.length, piece)
  },
  (bytes, random) => bytes.subarray(0, random(bytes.length)),
]

function spliced(bytes: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array {
  return concatBytes(bytes.subarray(0, at), added, bytes.subarray(at + removed))
}

/** mulberry32: small, and good enough to choose bytes. */
function randomFrom(seed: number): Random {
  let state = (seed * 0x9e3779b1) >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return below === 0 ? 0 : ((t ^ (t >>> 14)) >>> 0) % below
  }
}
