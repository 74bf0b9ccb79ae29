/**
 * A server for tests that kill it: what is built, with a signer that no chain has to register. Prints
 * its URL. Arguments: the folder of its data, the number that its key is made of, the URL of a database.
 * Blobs are in a folder, or in the bucket that the environment has in JSON.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import {
  createApp,
  LiveSigner,
  openFolderBlobStore,
  openPostgresJobStore,
  openS3BlobStore,
  openSqliteThread,
} from '../../dist/core/server/app.js'
import { createSigner } from '../../dist/core/signer/signer.js'

const [folder, seed, databaseUrl] = process.argv.slice(2)
const nowMs = () => performance.now()
const store = databaseUrl
  ? await openPostgresJobStore({ url: databaseUrl })
  : await openSqliteThread({ path: `${folder}/jobs.db`, nowMs })
const { BUCKET: bucket } = process.env
const limits = { maxBytes: 2 ** 30, inUse: () => store.blobsInUse(), nowMs: Date.now }
const blobs = bucket
  ? await openS3BlobStore({ ...limits, ...JSON.parse(bucket), spoolFolder: `${folder}/spool` })
  : await openFolderBlobStore({ ...limits, folder: `${folder}/blobs` })
const signer = new LiveSigner({
  newSigner: () => createSigner(new Uint8Array(32).fill(Number(seed))),
  register: async (address) => ({
    address,
    txHash: '0x',
    blockNumber: 1,
    expiresAt: Date.now() / 1000 + 3600,
  }),
  rotateEveryMs: 3_600_000,
  nowSeconds: () => Date.now() / 1000,
})
await signer.start()
const app = createApp({
  signer,
  store,
  blobs,
  registry: { chainId: 1, address: `0x${'22'.repeat(20)}` },
  simulated: false,
  version: '0',
  concurrency: 2,
  maxQueued: 10_000,
  keepEnded: 100_000,
  newId: randomUUID,
  entropy: randomBytes,
  nowMs,
  dateMs: Date.now,
})
process.stdout.write(`${await app.listen({ host: '127.0.0.1', port: 0 })}\n`)
process.on('SIGTERM', () => app.drain(AbortSignal.timeout(10_000)).then(() => process.exit(0)))
