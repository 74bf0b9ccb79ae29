/**
 * Computes what the rows of the chip Byte hash to, and writes it where the library looks for it.
 * Part of the build; it needs the compiled library.
 *
 * The modules name the file by its SHA-256. If the recipe of the chip has changed, this fails and says
 * which hash to write there.
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { BYTE } from '../dist/core/vkey/byte-chip.js'
import { BYTE_HASHES_FILE, BYTE_HASHES_SHA256 } from '../dist/core/vkey/byte-hashes.js'
import { hashTrace } from '../dist/core/vkey/commitment.js'

const { rowHashes: _kept, ...trace } = BYTE.trace()
const hashes = await hashTrace({ logHeight: BYTE.logHeights[0], trace }, 1)
const bytes = new Uint8Array(hashes.buffer)
const sha256 = createHash('sha256').update(bytes).digest('hex')
if (sha256 !== BYTE_HASHES_SHA256) {
  console.error(`src/core/vkey/byte-hashes.ts names another file than ${sha256}`)
  process.exitCode = 1
}
writeFileSync(BYTE_HASHES_FILE, bytes)
console.log(`${fileURLToPath(BYTE_HASHES_FILE)}: ${bytes.length} bytes, SHA-256 ${sha256}`)
