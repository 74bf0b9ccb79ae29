import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../base-command.js'
import { computeVkey, type ElfVkey } from '../core/index.js'
import { readInput } from '../files.js'
import { releaseChoice, releaseFlags } from '../guest-flags.js'
import { watch } from '../terminal.js'

export default class Vkey extends BaseCommand {
  static override summary = 'compute the verifying key that names a program'
  static override description =
    'Prints the key as SP1 verifier contracts take it (bytes32). With --json also hash_bytes, the encoding that sp1-tee signs.'
  static override examples = [
    '<%= config.bin %> vkey guests/elf/fibonacci.elf',
    '<%= config.bin %> vkey a.elf b.elf --json',
  ]
  static override strict = false
  static override args = {
    elf: Args.string({ description: 'the guest program; several give a table', required: true }),
  }
  static override flags = {
    ...releaseFlags,
    threads: Flags.integer({
      description: 'worker threads; default: one per core',
      env: 'SP1_TEE_THREADS',
      min: 1,
      max: 64,
    }),
  }

  async run(): Promise<ElfVkey | ElfVkey[]> {
    const parsed = await this.parse(Vkey)
    const { argv, flags } = parsed
    const paths = argv as string[]
    const keys: ElfVkey[] = []
    for (const path of paths) {
      const elf = await readInput(path)
      keys.push(
        await watch(`Verifying key of ${path}`, this.isSilent(), (show) =>
          computeVkey(elf, {
            ...releaseChoice(parsed),
            ...(flags.threads !== undefined && { threads: flags.threads }),
            signal: this.interrupted,
            onProgress: (fraction) => show(`${Math.round(100 * fraction)} %`),
          }),
        ),
      )
    }
    const [only] = keys as [ElfVkey]
    if (keys.length > 1) {
      keys.forEach(({ bytes32 }, index) => {
        this.log(`${bytes32}  ${paths[index]}`)
      })
      return keys
    }
    // The two lines of `cargo prove vkey`.
    this.log('Verification Key Hash:')
    this.log(only.bytes32)
    return only
  }
}
