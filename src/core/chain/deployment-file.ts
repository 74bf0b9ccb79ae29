/** The file that `deploy` writes: which contracts are where, for the commands that use them. */
import { type Hex, isHex } from '../bytes.js'
import { InputError, shortName } from '../errors.js'
import type { Deployment } from './deploy.js'

const ADDRESS_DIGITS = 40
const ADDRESSES = ['attestation', 'policy', 'registry', 'multiProof'] as const

/** Indented JSON with a final newline. */
export function encodeDeployment(deployment: Deployment): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ version: 1, ...deployment }, null, 2)}\n`)
}

/**
 * @param path - for errors only.
 * @throws InputError `DEPLOYMENT_MALFORMED`
 */
export function parseDeployment(bytes: Uint8Array, path: string): Deployment {
  const malformed = (reason: string): never => {
    throw new InputError('DEPLOYMENT_MALFORMED', { path, reason })
  }
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return malformed('is no JSON')
  }
  if (typeof value !== 'object' || value === null) return malformed('is no JSON object')
  const { version, chainId, collateralProbe, ...rest } = value as Record<string, unknown>
  if (version !== 1) malformed('is not of version 1')
  if (!Number.isSafeInteger(chainId) || Number(chainId) <= 0) malformed('has no chainId')
  const unknown = Object.keys(rest).find((key) => !ADDRESSES.includes(key as never))
  if (unknown !== undefined) malformed(`has an unknown field ${shortName(unknown)}`)
  const address = (name: string, field: unknown): Hex =>
    isHex(field) && field.length === 2 + ADDRESS_DIGITS
      ? (field.toLowerCase() as Hex)
      : malformed(`has no address in ${name}`)
  const [attestation, policy, registry, multiProof] = ADDRESSES.map((name) =>
    address(name, rest[name]),
  ) as [Hex, Hex, Hex, Hex]
  return {
    chainId: Number(chainId),
    ...{ attestation, policy, registry, multiProof },
    ...(collateralProbe !== undefined && {
      collateralProbe: address('collateralProbe', collateralProbe),
    }),
  }
}
