import { Args, Flags } from '@oclif/core'
import { BaseCommand, invalidFlag } from '../base-command.js'
import {
  computeVkey,
  type ElfVkey,
  encodeBytes32,
  encodeHashBytes,
  type Hex,
  identifyElf,
  parseBytes32,
  parseHashBytes,
  RejectedError,
  type ReleaseChoice,
} from '../core/index.js'
import { readInput } from '../files.js'
import { releaseChoice, releaseFlags } from '../guest-flags.js'
import { watch } from '../terminal.js'
import { VkeyDiskCache } from '../vkey-disk-cache.js'

/** Both names of one key. */
type Encodings = Pick<ElfVkey, 'bytes32' | 'hashBytes'>

interface Work {
  readonly choice: ReleaseChoice
  readonly threads: number | undefined
  readonly cache: VkeyDiskCache | undefined
}

export default class Vkey extends BaseCommand {
  static override summary = 'compute the verifying key that names a program'
  static override description =
    'Prints the key as SP1 verifier contracts take it (bytes32). With --json also hash_bytes, the encoding that sp1-tee signs. ' +
    'Keys are kept in the XDG cache folder, for this command alone: what is signed or verified is computed anew.'
  static override examples = [
    '<%= config.bin %> vkey guests/elf/fibonacci.elf',
    '<%= config.bin %> vkey a.elf b.elf --json',
    '<%= config.bin %> vkey a.elf --check 0x00e3caa2e260cfb01b4b6a1a0970b521b15f7c56c73f5ce0a76607df290e8cd6',
    '<%= config.bin %> vkey --from-bytes32 0x00e3caa2e260cfb01b4b6a1a0970b521b15f7c56c73f5ce0a76607df290e8cd6',
  ]
  static override strict = false
  static override args = {
    elf: Args.string({ description: 'the guest program; several give a table' }),
  }
  static override flags = {
    ...releaseFlags,
    check: Flags.string({
      description:
        'exit with code 5 unless this is the key, as bytes32 or hash_bytes; computes it anew',
      helpValue: '0xHEX',
    }),
    'no-cache': Flags.boolean({
      description: 'neither take the key from the disk nor keep it there',
      env: 'SP1_TEE_NO_CACHE',
    }),
    'from-bytes32': Flags.string({
      description: 'print the hash_bytes of this key instead; takes no program',
      helpValue: '0xHEX',
      exclusive: ['check', 'from-hash-bytes'],
    }),
    'from-hash-bytes': Flags.string({
      description: 'print the bytes32 of this key instead; takes no program',
      helpValue: '0xHEX',
      exclusive: ['check'],
    }),
    threads: Flags.integer({
      description: 'worker threads; default: one per core',
      env: 'SP1_TEE_THREADS',
      min: 1,
      max: 64,
    }),
  }

  async run(): Promise<ElfVkey | ElfVkey[] | Encodings> {
    const parsed = await this.parse(Vkey)
    const { argv, flags } = parsed
    const paths = argv as string[]
    const encodings = convert(flags['from-bytes32'], flags['from-hash-bytes'])
    if (encodings !== undefined) {
      if (paths.length > 0) invalidFlag('--from-bytes32 or --from-hash-bytes', 'takes no program')
      this.log(flags['from-bytes32'] === undefined ? encodings.bytes32 : encodings.hashBytes)
      return encodings
    }
    if (paths.length === 0) this.error('Missing 1 required arg:\nelf  the guest program')
    const { check } = flags
    if (check !== undefined) {
      if (paths.length > 1) invalidFlag('--check', 'goes with one program')
      if (!/^0x[0-9a-f]{64}$/i.test(check)) invalidFlag('--check', 'is not 0x and 64 hex digits')
    }

    const isCached = !flags['no-cache'] && check === undefined
    const cache = isCached
      ? new VkeyDiskCache(this.config.version, (text) => this.remark(text))
      : undefined
    const work = { choice: releaseChoice(parsed), threads: flags.threads, cache }
    const keys: ElfVkey[] = []
    for (const path of paths) keys.push(await this.#keyOf(path, work))
    const [only] = keys as [ElfVkey]
    if (check !== undefined) requireKey(only, check)
    if (keys.length > 1) {
      keys.forEach(({ bytes32, sp1 }, index) => {
        this.log(`${bytes32}  ${sp1}  ${paths[index]}`)
      })
      return keys
    }
    // The two lines of `cargo prove vkey`.
    this.log('Verification Key Hash:')
    this.log(only.bytes32)
    return only
  }

  async #keyOf(path: string, { choice, threads, cache }: Work): Promise<ElfVkey> {
    const elf = await readInput(path)
    const known = await cache?.read(identifyElf(elf, choice))
    if (known !== undefined) return known
    const vkey = await watch(`Verifying key of ${path}`, this.isSilent(), (show) =>
      computeVkey(elf, {
        ...choice,
        ...(threads !== undefined && { threads }),
        signal: this.interrupted,
        onProgress: (fraction) => show(`${Math.round(100 * fraction)} %`),
      }),
    )
    await cache?.write(vkey)
    return vkey
  }
}

/** Both encodings of a key given in one; undefined if none is. */
function convert(bytes32: string | undefined, hashBytes: string | undefined) {
  if (bytes32 === undefined && hashBytes === undefined) return undefined
  const digest = bytes32 === undefined ? parseHashBytes(String(hashBytes)) : parseBytes32(bytes32)
  return { bytes32: encodeBytes32(digest), hashBytes: encodeHashBytes(digest) }
}

/** @throws RejectedError `VKEY_DIFFERS` */
function requireKey({ bytes32, hashBytes }: Encodings, expected: string): void {
  if ([bytes32, hashBytes].includes(expected.toLowerCase() as Hex)) return
  throw new RejectedError('VKEY_DIFFERS', { expected, bytes32, hashBytes })
}
