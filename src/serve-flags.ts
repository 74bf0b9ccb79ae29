/** Flags of `serve`, and what they mean. */
import { availableParallelism } from 'node:os'
import { Flags } from '@oclif/core'
import { invalidFlag } from './base-command.js'
import { SCHEME_NAMES } from './core/index.js'
import {
  DEFAULT_KEEP_ENDED,
  DEFAULT_MAX_QUEUED,
  isHost,
  isLoopback,
  isOrigin,
} from './core/server/app.js'
import { isTyped } from './flag-sources.js'
import { limitFlags, releaseFlags } from './guest-flags.js'
import { pccsFlags } from './quote-flags.js'
import { registerFlags } from './register-flags.js'

export const DEFAULT_LISTEN = '127.0.0.1:3000'
const DEFAULT_ROTATE_EVERY_SECONDS = 30 * 60
const DEFAULT_DRAIN_SECONDS = 60
const DEFAULT_MAX_DISK_MIB = 10_240

export const serveFlags = {
  ...registerFlags,
  ...pccsFlags,
  ...releaseFlags,
  ...limitFlags,
  dev: Flags.boolean({
    description:
      'bring up everything on this machine: a chain (anvil), its contracts, simulated quotes',
  }),
  anvil: Flags.string({
    description: 'the anvil of --dev; default: of the npm package, else of PATH',
    helpValue: 'FILE',
    env: 'SP1_TEE_ANVIL',
    dependsOn: ['dev'],
  }),
  listen: Flags.string({
    description: 'address to listen on; port 0 takes a free one',
    helpValue: 'HOST:PORT',
    env: 'SP1_TEE_LISTEN',
    default: DEFAULT_LISTEN,
  }),
  insecure: Flags.boolean({
    description:
      'take work from anybody, even on an address that others can reach; nobody is the operator without a key',
    env: 'SP1_TEE_INSECURE',
  }),
  keys: Flags.string({
    description: 'API keys and addresses that may send work; without --insecure nobody else may',
    helpValue: 'FILE',
    env: 'SP1_TEE_KEYS',
  }),
  'public-host': Flags.string({
    description:
      'what clients call this server, which signed requests (--keys, addresses) must be for; several: repeated, or with commas; default: the loopback address of --listen',
    helpValue: 'HOST[:PORT]',
    env: 'SP1_TEE_PUBLIC_HOST',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
  }),
  'allow-origin': Flags.string({
    description:
      'a web page of this origin may use the service from a browser; several: repeated, or with commas',
    helpValue: 'ORIGIN',
    env: 'SP1_TEE_ALLOW_ORIGIN',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
  }),
  'tls-cert': Flags.string({
    description: 'certificate chain, PEM; then it speaks HTTPS',
    helpValue: 'FILE',
    env: 'SP1_TEE_TLS_CERT',
    dependsOn: ['tls-key'],
  }),
  'tls-key': Flags.string({
    description: "the certificate's key, PEM",
    helpValue: 'FILE',
    env: 'SP1_TEE_TLS_KEY',
    dependsOn: ['tls-cert'],
  }),
  'data-dir': Flags.string({
    description: 'folder for jobs, programs and inputs; default: serve in the state folder',
    helpValue: 'FOLDER',
    env: 'SP1_TEE_DATA_DIR',
  }),
  'database-url': Flags.string({
    description: 'PostgreSQL that keeps the jobs, shared by several servers; default: a file',
    helpValue: 'URL',
    env: 'SP1_TEE_DATABASE_URL',
  }),
  blobs: Flags.string({
    description:
      'bucket for programs, inputs and large outputs, shared by several servers; keys of AWS_ACCESS_KEY_ID, …; default: a folder',
    helpValue: 's3://BUCKET/PREFIX',
    env: 'SP1_TEE_BLOBS',
  }),
  's3-endpoint': Flags.string({
    description: "S3-compatible store that has the bucket; default: Amazon's of AWS_REGION",
    helpValue: 'URL',
    env: 'SP1_TEE_S3_ENDPOINT',
    dependsOn: ['blobs'],
  }),
  'max-disk': Flags.integer({
    description: 'MiB of programs, inputs and large outputs to keep, in the bucket, too',
    env: 'SP1_TEE_MAX_DISK',
    helpValue: 'MIB',
    min: 1,
    max: 2 ** 30,
    default: DEFAULT_MAX_DISK_MIB,
  }),
  'keep-jobs': Flags.integer({
    description: 'ended jobs to keep; the oldest are forgotten first',
    env: 'SP1_TEE_KEEP_JOBS',
    helpValue: 'N',
    min: 1,
    max: 10_000_000,
    default: DEFAULT_KEEP_ENDED,
  }),
  schemes: Flags.option({
    description:
      'what the signer signs; more than automata only if every contract that takes its proofs checks the length of the message',
    options: SCHEME_NAMES,
    multiple: true,
    delimiter: ',',
    env: 'SP1_TEE_SCHEMES',
    default: ['automata' as const],
  })(),
  'private-inputs': Flags.boolean({
    description:
      'take inputs that only this server can read; the signer then signs a statement besides proofs, so only if every contract that takes its proofs checks the length of the message',
    env: 'SP1_TEE_PRIVATE_INPUTS',
  }),
  multiproof: Flags.string({
    description: 'the contract that signatures of scheme eip712 are for',
    helpValue: '0xADDRESS',
    env: 'SP1_TEE_MULTIPROOF',
  }),
  'log-json': Flags.boolean({
    description: 'write a log in JSON lines to standard error, instead of remarks',
    env: 'SP1_TEE_LOG_JSON',
  }),
  'rotate-every': Flags.integer({
    description: 'seconds after which a new signer takes over',
    env: 'SP1_TEE_ROTATE_EVERY',
    helpValue: 'SECONDS',
    min: 1,
    max: 7 * 86_400,
    default: DEFAULT_ROTATE_EVERY_SECONDS,
  }),
  concurrency: Flags.integer({
    description: 'guests running at the same time; default: as many as there are processors',
    env: 'SP1_TEE_CONCURRENCY',
    min: 1,
    max: 1024,
    default: async () => availableParallelism(),
    defaultHelp: async () => 'processors',
    noCacheDefault: true,
  }),
  queue: Flags.integer({
    description: 'jobs that may wait; more are refused',
    env: 'SP1_TEE_QUEUE',
    min: 0,
    max: 100_000,
    default: DEFAULT_MAX_QUEUED,
  }),
  'drain-timeout': Flags.integer({
    description: 'seconds that accepted jobs get to end when the server is told to stop',
    env: 'SP1_TEE_DRAIN_TIMEOUT',
    helpValue: 'SECONDS',
    min: 0,
    max: 86_400,
    default: DEFAULT_DRAIN_SECONDS,
  }),
}

/** Flags that `--dev` replaces by its own. */
const REPLACED_BY_DEV = [...Object.keys({ ...registerFlags, ...pccsFlags }), 'multiproof']

/** @throws InputError `FLAG_INVALID` for what contradicts `--dev` on the command line */
export function checkDevelopmentFlags(argv: readonly string[]): void {
  const contradiction = REPLACED_BY_DEV.find((name) => isTyped(name, argv))
  if (contradiction !== undefined) {
    invalidFlag(
      `--${contradiction}`,
      'does not go with --dev, which brings its own chain and quotes',
    )
  }
}

/** @throws InputError `FLAG_INVALID`, also for `*`: nothing lets every page in */
export function checkOrigins(origins: readonly string[] = []): void {
  if (origins.every(isOrigin)) return
  invalidFlag('--allow-origin', 'takes an origin, as in https://app.example, and no path')
}

/** @throws InputError `FLAG_INVALID` */
export function checkHosts(hosts: readonly string[] = []): void {
  if (hosts.every(isHost)) return
  invalidFlag('--public-host', 'takes HOST or HOST:PORT, as in prover.example or [::1]:3000')
}

/** @throws InputError `FLAG_INVALID`, also for an address that others can reach, unless `isGuarded` */
export function parseListen(
  text: string,
  isGuarded: boolean,
): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? []
  if (host === '' || Number(port) > 65_535) {
    return invalidFlag('--listen', 'takes HOST:PORT, as in 127.0.0.1:3000 or [::1]:3000')
  }
  if (!isLoopback(host) && !isGuarded) {
    invalidFlag(
      '--listen',
      'with an address that others can reach needs --keys, or --insecure if a proxy in front knows its clients',
    )
  }
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
}
