/** Which workload a command is about: named, that of a quote, or that of this machine. */

import { hexFlag } from './base-command.js'
import { computeWorkloadId, type Hex, parseTdQuote } from './core/index.js'
import { readTdQuote } from './quote-flags.js'
import { openProvider } from './state.js'

const WORKLOAD_ID_BYTES = 32
const REPORT_DATA_BYTES = 64

/** @throws InputError `FLAG_INVALID` */
export function parseWorkloadId(flag: string, value: string): Hex {
  return hexFlag(flag, value, WORKLOAD_ID_BYTES, 'a workload id')
}

export async function workloadIdOfQuote(path: string): Promise<Hex> {
  return computeWorkloadId((await readTdQuote(path)).body)
}

/** What this machine is, by a quote that binds no signer, so that nobody can register with it. */
export async function measureThisMachine(
  flags: Parameters<typeof openProvider>[0],
  { warn, signal }: { warn: (message: string) => void; signal: AbortSignal },
): Promise<{ readonly workloadId: Hex; readonly simulated: boolean }> {
  const provider = await openProvider(flags, warn)
  const quote = await provider.quote(new Uint8Array(REPORT_DATA_BYTES), signal)
  return {
    workloadId: computeWorkloadId(parseTdQuote(quote).body),
    simulated: provider.simulated,
  }
}
