/**
 * What a job runs on: from its blobs, whose hashes the request names, or decrypted. What was decrypted stays
 * in memory, and nothing that is kept or told of the job says more of it than its proof.
 */
import { fromHex } from '../bytes.js'
import { InterruptedError, restoreError, Sp1TeeError, UnavailableError } from '../errors.js'
import { parseStdin, type Stdin } from '../executor/stdin.js'
import type { BlobStore } from '../jobs/blob-store.js'
import { isSealed, type JobRequest, type SealedRequest } from './job-codec.js'
import type { PrivateInputKeys } from './private-input-keys.js'
import type { ProgramIndex } from './program-index.js'
import { parseSealedChoices } from './proof-request.js'
import { readBlob } from './result-keeper.js'
import type { JobOptions } from './service-options.js'

/** What these say is of the server, or of what anybody sees. */
const NOT_OF_THE_GUEST: readonly string[] = [
  'EXECUTION_LOST',
  'INPUT_UNKNOWN',
  'PRIVATE_INPUTS_UNREADABLE',
  'PRIVATE_KEY_LOST',
  'SCHEME_REFUSED',
  'STORE_DAMAGED',
  'STORE_FULL',
  'STORE_UNAVAILABLE',
]

export interface JobInputs {
  /** Not to be changed. */
  readonly elf: Uint8Array
  readonly stdin: Stdin
  readonly choices: JobOptions
}

export interface InputSources {
  readonly programs: ProgramIndex
  readonly blobs: BlobStore
  /** Absent where no private inputs are taken. */
  readonly keys: PrivateInputKeys | undefined
}

/**
 * @throws UnavailableError `PROGRAM_UNKNOWN`, `INPUT_UNKNOWN`, `STORE_UNAVAILABLE`, `PRIVATE_KEY_LOST`
 * @throws InputError `PRIVATE_INPUTS_UNREADABLE`, `STDIN_MALFORMED`
 */
export async function readInputs(
  job: string,
  request: JobRequest,
  sources: InputSources,
): Promise<JobInputs> {
  const { programs, blobs } = sources
  if (isSealed(request)) return openSealed(job, request, sources)
  const { programId, stdin, ...choices } = request
  const elf = await programs.get(programId)
  const bytes = 'inline' in stdin ? fromHex(stdin.inline) : await readBlob(blobs, stdin.blob)
  return { elf, stdin: parseStdin(bytes, 'sp1'), choices }
}

/**
 * The error of a job with private inputs, as it may be kept and told: what its facts say may come from the
 * guest, which knows the inputs. Whoever has them can run it again to see.
 */
export function withoutFacts(error: unknown): unknown {
  if (!(error instanceof Sp1TeeError) || error instanceof InterruptedError) return error
  const { code } = error
  if (NOT_OF_THE_GUEST.includes(code)) return error
  const message = `It ended with ${code}. The inputs are private, so the server says no more; \`sp1-tee execute\` with the same inputs does.`
  return restoreError({ code, message, details: {} }) ?? error
}

async function openSealed(
  job: string,
  { sealed }: SealedRequest,
  { blobs, keys }: InputSources,
): Promise<JobInputs> {
  if (keys === undefined) throw new UnavailableError('PRIVATE_KEY_LOST', {})
  const key = keys.keyOf(job, sealed)
  const { blob, encapsulatedKey } = sealed
  const inputs = await key.open({ encapsulatedKey, sealed: await readBlob(blobs, blob) })
  const { elf, stdin, choices } = inputs
  return { elf, stdin: parseStdin(stdin, 'sp1'), choices: parseSealedChoices(choices) }
}
