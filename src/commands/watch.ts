import { Flags } from '@oclif/core'
import { BaseCommand, invalidFlag } from '../base-command.js'
import { type RegistryEvent, watchRegistry } from '../core/index.js'
import { openRegistry, registryFlags } from '../policy-flags.js'

export default class Watch extends BaseCommand {
  static override summary = 'print events of a registry and its policy as they come'
  static override description =
    'One a line; one JSON object a line with --json. An event whose block a reorganisation took away comes again, marked as removed. Ends on Ctrl-C, or with --to-block.'
  static override examples = [
    '<%= config.bin %> watch --rpc-url https://… --deployment deployment.json',
    '<%= config.bin %> watch --rpc-url https://… --registry 0x… --from-block 1000000 --json',
  ]
  static override flags = {
    ...registryFlags,
    'from-block': Flags.integer({ description: 'first block; default: the newest', min: 0 }),
    'to-block': Flags.integer({ description: 'last block; default: none', min: 0 }),
    interval: Flags.integer({
      description: 'seconds between questions',
      helpValue: 'SECONDS',
      min: 1,
      max: 3600,
      default: 4,
    }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Watch)
    const { 'from-block': from, 'to-block': to } = flags
    if (from !== undefined && to !== undefined && to < from) {
      invalidFlag('--to-block', 'is before --from-block')
    }
    const events = watchRegistry({
      ...(await openRegistry(flags)),
      ...(from !== undefined && { fromBlock: BigInt(from) }),
      ...(to !== undefined && { toBlock: BigInt(to) }),
      pollMs: 1000 * flags.interval,
      signal: this.interrupted,
    })
    for await (const event of events) this.#print(event)
  }

  /** An error is a line as well, since whoever reads lines reads that one, too. */
  protected override logJson(json: unknown): void {
    process.stdout.write(`${JSON.stringify(json)}\n`)
  }

  #print(event: RegistryEvent): void {
    if (this.jsonEnabled()) this.logJson(event)
    else process.stdout.write(`${this.#line(event)}\n`)
  }

  #line({ event, args, blockNumber, removed }: RegistryEvent): string {
    const facts = Object.entries(args).map(([name, value]) => `${name}=${value}`)
    const mark = removed ? ['REMOVED'] : []
    return [blockNumber, ...mark, event, ...facts].join('  ')
  }
}
