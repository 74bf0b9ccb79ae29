/** Flags of `serve`, and what they mean. */
import { availableParallelism } from 'node:os'
import { Flags } from '@oclif/core'
import { invalidFlag } from './base-command.js'
import { DEFAULT_MAX_QUEUED } from './core/server/app.js'
import { limitFlags, releaseFlags } from './guest-flags.js'
import { registerFlags } from './register-flags.js'

const DEFAULT_LISTEN = '127.0.0.1:3000'
const DEFAULT_ROTATE_EVERY_SECONDS = 30 * 60
const DEFAULT_DRAIN_SECONDS = 60
const LOOPBACK = /^(127(\.\d+){3}|localhost|\[::1\])$/

export const serveFlags = {
  ...registerFlags,
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
    description: 'listen on an address that others can reach, and take work from anybody',
    env: 'SP1_TEE_INSECURE',
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
const REPLACED_BY_DEV = [...Object.keys(registerFlags)].map((name) => `--${name}`)

/** @throws InputError `FLAG_INVALID` for what contradicts `--dev` on the command line */
export function checkDevelopmentFlags(argv: readonly string[]): void {
  const given = argv.map((argument) => argument.split('=')[0] ?? '')
  const contradiction = given.find((name) => REPLACED_BY_DEV.includes(name))
  if (contradiction !== undefined) {
    invalidFlag(contradiction, 'does not go with --dev, which brings its own chain and quotes')
  }
}

/** @throws InputError `FLAG_INVALID`, also for an address that others can reach, unless `insecure` */
export function parseListen(
  text: string,
  insecure: boolean,
): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? []
  if (host === '' || Number(port) > 65_535) {
    return invalidFlag('--listen', 'takes HOST:PORT, as in 127.0.0.1:3000 or [::1]:3000')
  }
  if (!LOOPBACK.test(host) && !insecure) {
    invalidFlag(
      '--listen',
      'with an address that others can reach needs --insecure: anybody there could send work. Put a proxy that knows its clients in front instead',
    )
  }
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
}
