/** Runs tpm2-tools: the edge behind `RunTpmTool`. Decides nothing. */
import type { RunTpmTool } from './azure-provider.js'

/** Far longer than any of them takes. */
const TIMEOUT_MS = 30_000
/** Far more than any of them says. */
const MAX_OUTPUT_BYTES = 2 ** 20

export const runTpmTool: RunTpmTool = async (tool, args, { input, signal }) => {
  // Loaded with the first tool: other providers need not wait for it.
  const { execa } = await import('execa')
  const { code, exitCode, stdout, stderr } = await execa(tool, args, {
    ...(input !== undefined && { input }),
    ...(signal !== undefined && { cancelSignal: signal }),
    encoding: 'buffer',
    maxBuffer: MAX_OUTPUT_BYTES,
    reject: false,
    stripFinalNewline: false,
    timeout: TIMEOUT_MS,
  })
  // Not started at all, or stopped by us: an errno names it.
  if (exitCode === undefined && code !== undefined) {
    throw Object.assign(new Error(tool), { code })
  }
  return { exitCode, stdout, stderr: new TextDecoder('latin1').decode(stderr) }
}
