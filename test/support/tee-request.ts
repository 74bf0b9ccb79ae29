/** What sp1-sdk sends to a TEE prover, written here from its definition. */
import { hashMessage } from '../../src/core/server/access.js'
import { createSigner } from '../../src/core/signer/signer.js'

export const client = createSigner(new Uint8Array(32).fill(9))
const ID = Buffer.alloc(32, 0xab)

export const u32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
export const u64 = (value: number) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
export const byteString = (bytes: Uint8Array) => Buffer.concat([u64(bytes.length), bytes])

/** id ‖ program ‖ cycle_limit ‖ stdin {buffer, ptr, proofs} ‖ signature {r, s, y_parity}. */
export function teeRequest(
  program: Uint8Array,
  {
    cycles = 1_000_000,
    proofs = 0,
    input = Uint8Array.of(10, 0, 0, 0),
  }: { cycles?: number; proofs?: number; input?: Uint8Array } = {},
): Buffer {
  const signature = client.signDigest(hashMessage(ID))
  const stdin = [u64(1), byteString(input), u64(0), u64(proofs)]
  const parity = Buffer.alloc(8)
  parity[7] = (signature[64] ?? 0) - 27
  return Buffer.concat([
    ID,
    byteString(program),
    u64(cycles),
    ...stdin,
    ...(proofs ? [Buffer.alloc(50)] : []),
    byteString(signature.subarray(0, 32)),
    byteString(signature.subarray(32, 64)),
    byteString(parity),
  ])
}
