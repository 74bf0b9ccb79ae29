/** What `serve` opens before it serves: its stores, its keys, its certificate, its source of collateral. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { invalidFlag } from './base-command.js'
import { addressFlag, knownContracts } from './chain-flags.js'
import {
  fetchBalance,
  type Hex,
  openCollateral,
  type QuoteProvider,
  type RegisterOptions,
  registryOf,
  type SchemeName,
} from './core/index.js'
import {
  type AppOptions,
  type BlobStore,
  type CollateralSource,
  isLoopback,
  type JobStore,
  openFolderBlobStore,
  openPostgresJobStore,
  openS3BlobStore,
  openSqliteThread,
  parseAccess,
} from './core/server/app.js'
import { readInput } from './files.js'
import { limitsOf } from './guest-flags.js'
import { type CollateralFlags, fetchCollateralOf, readRoot } from './quote-flags.js'
import { s3LocationOf } from './s3-location.js'
import { entropy, serviceFolder } from './state.js'
import { openTlsFiles } from './tls-files.js'

const MIB = 2 ** 20

type Flags = Parameters<typeof limitsOf>[0] &
  Parameters<typeof serviceFolder>[0] &
  Omit<CollateralFlags, 'collateral'> & {
    readonly sp1?: string | undefined
    readonly concurrency: number
    readonly queue: number
    readonly insecure: boolean
    readonly keys?: string | undefined
    readonly listen: string
    readonly 'public-host'?: readonly string[] | undefined
    readonly 'allow-origin'?: readonly string[] | undefined
    readonly 'tls-cert'?: string | undefined
    readonly 'tls-key'?: string | undefined
    readonly 'data-dir'?: string | undefined
    readonly 'database-url'?: string | undefined
    readonly blobs?: string | undefined
    readonly 's3-endpoint'?: string | undefined
    readonly 'max-disk': number
    readonly 'keep-jobs': number
    readonly schemes: readonly SchemeName[]
    readonly 'private-inputs': boolean
    readonly dev: boolean
    readonly multiproof?: string | undefined
  }

/** Of a registration, what a service needs, too. */
interface Registering
  extends Pick<RegisterOptions, 'chain' | 'registry' | 'gasPayer' | 'provider'> {
  /** Of a chain of our own. */
  readonly multiProof?: Hex | undefined
}

/** @throws InputError, UnavailableError a file or a store cannot be opened */
export async function openService(
  flags: Flags,
  registering: Registering,
  remark: (text: string) => void,
): Promise<
  Omit<AppOptions, 'signer' | 'registry' | 'simulated' | 'version' | 'newId' | 'onError' | 'log'>
> {
  const { chain, gasPayer, provider } = registering
  const multiProof = await findMultiProof(flags, registering)
  const [cert, key] = [flags['tls-cert'], flags['tls-key']]
  const access = await openAccess(flags)
  const tls = cert && key ? await openTlsFiles(cert, key, remark) : undefined
  const s3 = flags.blobs === undefined ? undefined : s3LocationOf(flags.blobs, flags['s3-endpoint'])
  const folder = flags['data-dir'] ?? serviceFolder(flags)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const store = await openJobStore(flags, folder, remark)
  const blobs = await openBlobs(flags, s3, folder, store)
  return {
    store,
    blobs,
    access,
    ...(tls && { tls }),
    allowedOrigins: flags['allow-origin'] ?? [],
    concurrency: flags.concurrency,
    maxQueued: flags.queue,
    keepEnded: flags['keep-jobs'],
    limits: limitsOf(flags),
    schemes: flags.schemes,
    // Contracts of --dev are ours, and check it.
    privateInputs: flags['private-inputs'] || flags.dev,
    ...(multiProof && { multiProof }),
    collateral: await openCollateralSource(provider, flags, join(folder, 'collateral')),
    askBalance: () => fetchBalance(chain, gasPayer.address),
    ...(flags.sp1 !== undefined && { fallbackSp1: flags.sp1 }),
    entropy,
    nowMs: () => performance.now(),
    dateMs: Date.now,
  }
}

/** @throws InputError `FLAG_INVALID` clients sign for a name that only the operator knows */
async function openAccess(flags: Flags): Promise<NonNullable<AppOptions['access']>> {
  const { keys, insecure, listen } = flags
  const publicHosts = flags['public-host']?.map((host) => host.toLowerCase())
  if (keys === undefined) {
    const nobody = { keys: [], addresses: [], publicHosts }
    return { ...nobody, isRequired: false, trustsThisMachine: !insecure }
  }
  const access = parseAccess(await readText(keys))
  const isLocal = isLoopback(listen.replace(/:\d+$/, '')) && !insecure
  if (access.addresses.length > 0 && publicHosts === undefined && !isLocal) {
    const reason = 'is needed: --keys has addresses, and their signatures name the server'
    invalidFlag('--public-host', `${reason} as its clients do`)
  }
  return { ...access, isRequired: !insecure, publicHosts }
}

async function openJobStore(
  flags: Flags,
  folder: string,
  remark: (text: string) => void,
): Promise<JobStore> {
  const url = flags['database-url']
  if (url === undefined) {
    const path = join(folder, 'jobs.db')
    return openSqliteThread({ path, nowMs: () => performance.now() })
  }
  const onError = (error: unknown) => remark(`PostgreSQL: ${(error as Error).message}`)
  return openPostgresJobStore({ url, onError })
}

function openBlobs(
  flags: Flags,
  s3: ReturnType<typeof s3LocationOf> | undefined,
  folder: string,
  store: JobStore,
): Promise<BlobStore> {
  const options = {
    maxBytes: flags['max-disk'] * MIB,
    inUse: () => store.blobsInUse(),
    nowMs: Date.now,
  }
  if (s3 !== undefined) {
    return openS3BlobStore({ ...options, ...s3, spoolFolder: join(folder, 'spool') })
  }
  const { isShared } = store
  return openFolderBlobStore({ ...options, folder: join(folder, 'blobs'), isShared })
}

/**
 * The contract that bound signatures are for, if any are offered.
 *
 * @throws InputError `FLAG_INVALID` there is none, or it believes another registry
 */
async function findMultiProof(
  flags: Flags,
  { chain, registry, multiProof: own }: Registering,
): Promise<Hex | undefined> {
  if (!flags.schemes.includes('eip712')) return undefined
  const named = flags.multiproof ?? own ?? (await knownContracts(flags)).multiProof
  const multiProof = addressFlag('--multiproof', named)
  const believed = await registryOf(chain, multiProof)
  if (believed !== registry.toLowerCase()) {
    invalidFlag('--multiproof', `names a contract that believes the registry ${believed}`)
  }
  return multiProof
}

/** Simulated quotes bring their own; that of others is fetched, and kept until it expires. */
async function openCollateralSource(
  { collateral, rootCertificatePath }: QuoteProvider,
  flags: Flags,
  folder: string,
): Promise<CollateralSource> {
  return {
    root: await readRoot(rootCertificatePath),
    async fetch(quote, { signal, isRenewal }) {
      if (collateral !== undefined) return openCollateral(collateral())
      return fetchCollateralOf(quote, flags, signal, { folder, isRenewal })
    },
  }
}

async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readInput(path))
}
