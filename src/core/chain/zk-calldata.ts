/**
 * What a DCAP prover made elsewhere, for the registration by a proof: the block the quote refers to,
 * the program's output and its proof. JSON, strict.
 */
import { fromHex, type Hex, isHex } from '../bytes.js'
import { InputError } from '../errors.js'
import type { Reference } from '../tdx/report-data.js'

/** Proof systems as Automata's contracts number them. */
export const ZK_COPROCESSORS = { risczero: 1, succinct: 2, pico: 3 } as const

export interface ZkCalldata {
  readonly reference: Reference
  readonly zkCoprocessor: number
  readonly output: Hex
  readonly proof: Hex
}

const FIELDS = ['referenceBlockNumber', 'referenceBlockHash', 'zkCoprocessor', 'output', 'proof']

/**
 * @param path - for errors only.
 * @throws InputError `ZK_CALLDATA_MALFORMED`
 */
export function parseZkCalldata(bytes: Uint8Array, path: string): ZkCalldata {
  const malformed = (reason: string): never => {
    throw new InputError('ZK_CALLDATA_MALFORMED', { path, reason })
  }
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return malformed('is no JSON')
  }
  const fields = Object.keys(Object(value)).toSorted().join()
  if (fields !== FIELDS.toSorted().join()) {
    return malformed(`has not exactly the fields ${FIELDS.join(', ')}`)
  }
  const calldata = value as Record<string, unknown>
  const hex = (name: string): Hex => {
    const field = calldata[name]
    return isHex(field) ? field : malformed(`has no hex in ${name}`)
  }
  const blockHash = hex('referenceBlockHash')
  if (fromHex(blockHash).length !== 32) malformed('has a referenceBlockHash that is not 32 bytes')
  const number = calldata.referenceBlockNumber
  if (!Number.isSafeInteger(number) || Number(number) < 0) malformed('has no referenceBlockNumber')
  const name = String(calldata.zkCoprocessor)
  if (!Object.hasOwn(ZK_COPROCESSORS, name)) {
    malformed(`has a zkCoprocessor that is none of ${Object.keys(ZK_COPROCESSORS).join(', ')}`)
  }
  return {
    reference: { blockNumber: BigInt(Number(number)), blockHash },
    zkCoprocessor: ZK_COPROCESSORS[name as keyof typeof ZK_COPROCESSORS],
    output: hex('output'),
    proof: hex('proof'),
  }
}
