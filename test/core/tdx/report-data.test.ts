import { encodeAbiParameters, keccak256, parseAbiParameters } from 'viem'
import { describe, expect, it } from 'vitest'
import { concatBytes, fromHex, type Hex, toHex } from '../../../src/core/bytes.js'
import {
  computeReferenceHash,
  computeReportData,
  encodeReportData,
  parseReportData,
} from '../../../src/core/tdx/report-data.js'
import { refusalOf } from './samples.js'

const ADDRESS: Hex = '0x7e5f4552091a69125d5dfcb7b8c2659029395bdf'
const BLOCK_HASH: Hex = `0x${'ab'.repeat(32)}`

describe('report data', () => {
  it.each([0n, 1n, 21_000_000n, 2n ** 256n - 1n])(
    'bind block %s as Solidity does',
    (blockNumber) => {
      const types = parseAbiParameters('uint256, bytes32, address')
      const expected = keccak256(encodeAbiParameters(types, [blockNumber, BLOCK_HASH, ADDRESS]))
      const reference = { blockNumber, blockHash: BLOCK_HASH }
      expect(computeReferenceHash(ADDRESS, reference)).toBe(expected)
      const expectedBytes = concatBytes(new Uint8Array(12), fromHex(ADDRESS), fromHex(expected))
      expect(toHex(computeReportData(ADDRESS, reference))).toBe(toHex(expectedBytes))
    },
  )

  it('parse to what was encoded', () => {
    const value = { address: ADDRESS, referenceHash: BLOCK_HASH }
    expect(parseReportData(encodeReportData(value))).toEqual(value)
  })

  it('take an address with a checksum and give it in lower case', () => {
    const encoded = encodeReportData({
      address: '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf',
      referenceHash: BLOCK_HASH,
    })
    expect(parseReportData(encoded).address).toBe(ADDRESS)
  })

  it('are refused when they cannot be ours', () => {
    expect(refusalOf(() => parseReportData(new Uint8Array(63)))).toEqual({
      code: 'REPORT_DATA_LENGTH',
      details: { have: 63 },
    })
    for (let offset = 0; offset < 12; offset++) {
      const bytes = new Uint8Array(64)
      bytes[offset] = 1
      expect(refusalOf(() => parseReportData(bytes))).toMatchObject({
        code: 'REPORT_DATA_MALFORMED',
        details: { field: 'padding', offset },
      })
    }
  })

  it.each([
    [
      'a short address',
      'address',
      () => encodeReportData({ address: '0x00', referenceHash: BLOCK_HASH }),
    ],
    [
      'a short hash',
      'referenceHash',
      () => encodeReportData({ address: ADDRESS, referenceHash: '0x' }),
    ],
    [
      'a negative block number',
      'blockNumber',
      () => computeReportData(ADDRESS, { blockNumber: -1n, blockHash: BLOCK_HASH }),
    ],
    [
      'a block number beyond uint256',
      'blockNumber',
      () => computeReportData(ADDRESS, { blockNumber: 2n ** 256n, blockHash: BLOCK_HASH }),
    ],
    [
      'a short block hash',
      'blockHash',
      () => computeReportData(ADDRESS, { blockNumber: 1n, blockHash: '0x12' }),
    ],
  ])('are not made of %s', (_, field, task) => {
    expect(refusalOf(task)).toMatchObject({ code: 'REPORT_DATA_MALFORMED', details: { field } })
  })
})
