/**
 * The 64 bytes a quote carries for its signer: 12 zero bytes ‖ address ‖ reference hash. The hash
 * binds a recent block, so that a registry can refuse quotes that are old.
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concatBytes, fromHex, type Hex, isHex, toHex } from '../bytes.js'
import { InputError } from '../errors.js'
import { REPORT_DATA_BYTES } from './quote.js'

const PADDING_BYTES = 12
const ADDRESS_BYTES = 20
const HASH_BYTES = 32
const WORD_BYTES = 32

/** The block a registration refers to; number 0 and hash 0 where there is no chain. */
export interface Reference {
  readonly blockNumber: bigint
  /** 32 bytes. */
  readonly blockHash: Hex
}

export interface ReportData {
  /** 20 bytes, lower case. */
  readonly address: Hex
  /** 32 bytes, lower case. */
  readonly referenceHash: Hex
}

/** @throws InputError `REPORT_DATA_MALFORMED` a value does not fit its field. */
export function computeReportData(address: Hex, reference: Reference): Uint8Array {
  return encodeReportData({ address, referenceHash: computeReferenceHash(address, reference) })
}

/**
 * keccak256(abi.encode(uint256 blockNumber, bytes32 blockHash, address proverAddress)), the
 * registry's own formula.
 *
 * @throws InputError `REPORT_DATA_MALFORMED` a value does not fit its type.
 */
export function computeReferenceHash(address: Hex, { blockNumber, blockHash }: Reference): Hex {
  const encoded = concatBytes(
    encodeUint256(blockNumber),
    hexBytes('blockHash', 0, blockHash, HASH_BYTES),
    new Uint8Array(WORD_BYTES - ADDRESS_BYTES),
    hexBytes('address', 0, address, ADDRESS_BYTES),
  )
  return toHex(keccak_256(encoded))
}

export function encodeReportData({ address, referenceHash }: ReportData): Uint8Array {
  return concatBytes(
    new Uint8Array(PADDING_BYTES),
    hexBytes('address', PADDING_BYTES, address, ADDRESS_BYTES),
    hexBytes('referenceHash', PADDING_BYTES + ADDRESS_BYTES, referenceHash, HASH_BYTES),
  )
}

/** @throws InputError `REPORT_DATA_LENGTH`, `REPORT_DATA_MALFORMED` the padding is not zero. */
export function parseReportData(bytes: Uint8Array): ReportData {
  if (bytes.length !== REPORT_DATA_BYTES) {
    throw new InputError('REPORT_DATA_LENGTH', { have: bytes.length })
  }
  const foreign = bytes.subarray(0, PADDING_BYTES).findIndex((byte) => byte !== 0)
  if (foreign !== -1) throw malformed('padding', foreign, 'is not zero')
  const hashStart = PADDING_BYTES + ADDRESS_BYTES
  return {
    address: toHex(bytes.subarray(PADDING_BYTES, hashStart)),
    referenceHash: toHex(bytes.subarray(hashStart)),
  }
}

function encodeUint256(value: bigint): Uint8Array {
  if (value < 0n || value >> 256n !== 0n) throw malformed('blockNumber', 0, 'is no uint256')
  return fromHex(`0x${value.toString(16).padStart(2 * WORD_BYTES, '0')}`)
}

function hexBytes(field: string, offset: number, hex: string, length: number): Uint8Array {
  if (!isHex(hex) || hex.length !== 2 + 2 * length) {
    throw malformed(field, offset, `is not 0x and ${2 * length} hex digits`)
  }
  return fromHex(hex)
}

function malformed(field: string, offset: number, reason: string) {
  return new InputError('REPORT_DATA_MALFORMED', { field, offset, reason })
}
