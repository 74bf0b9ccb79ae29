/** A service for tests: the real execution pool, a signer that no chain has to register. */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Registration } from '../../src/core/chain/registration.js'
import { openFolderBlobStore } from '../../src/core/jobs/folder-blob-store.js'
import { openSqliteJobStore } from '../../src/core/jobs/sqlite-job-store.js'
import { type App, type AppOptions, createApp, LiveSigner } from '../../src/core/server/app.js'
import { createSigner } from '../../src/core/signer/signer.js'

export const NOW_SECONDS = 1_800_000_000

let signers = 0

export function newTestSigner() {
  return createSigner(new Uint8Array(32).fill(++signers))
}

export async function registered(address: `0x${string}`): Promise<Registration> {
  const expiresAt = NOW_SECONDS + 3600
  return { address, txHash: `0x${'ab'.repeat(32)}`, blockNumber: 1, expiresAt }
}

export function newLiveSigner(options: Partial<ConstructorParameters<typeof LiveSigner>[0]> = {}) {
  return new LiveSigner({
    newSigner: newTestSigner,
    register: registered,
    rotateEveryMs: 1_800_000,
    nowSeconds: () => NOW_SECONDS,
    ...options,
  })
}

export interface TestService {
  readonly app: App
  readonly signer: LiveSigner
  readonly bugs: unknown[]
}

export async function startService(options: Partial<AppOptions> = {}): Promise<TestService> {
  const signer = options.signer ?? newLiveSigner()
  if (options.signer === undefined) await signer.start()
  const bugs: unknown[] = []
  const nowMs = () => performance.now()
  const store = options.store ?? openSqliteJobStore({ path: ':memory:', nowMs })
  const blobs =
    options.blobs ??
    (await openFolderBlobStore({
      folder: mkdtempSync(join(tmpdir(), 'sp1-tee-service-')),
      maxBytes: 2 ** 30,
      inUse: () => store.blobsInUse(),
      nowMs: Date.now,
    }))
  const app = createApp({
    signer,
    store,
    blobs,
    registry: { chainId: 31337, address: `0x${'22'.repeat(20)}` },
    simulated: false,
    version: '1.2.3',
    concurrency: 2,
    newId: randomUUID,
    entropy: randomBytes,
    nowMs,
    dateMs: () => 1000 * NOW_SECONDS,
    onError: (error) => bugs.push(error),
    ...options,
  })
  return { app, signer, bugs }
}
