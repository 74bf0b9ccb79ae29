/**
 * Verifies one quote again and again, with collateral that was parsed once, and beside it
 * `@phala/dcap-qvl` in the same process, turn by turn: `npm run bench:quote`.
 *
 * With SP1_TEE_SHARED a real quote, otherwise a simulated one. What counts is the ratio.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import phala from '@phala/dcap-qvl'
import {
  createMachineSources,
  encodeCollateral,
  INTEL_ROOT,
  openCollateral,
  parseCollateral,
  parseQuote,
  parseTrustedRoot,
  selectProvider,
  verifyQuote,
} from '../dist/core/index.js'

const ROUNDS = 200
const WARM_UP = 50
const PACK = 'data/tdx/packs/dcapqvl_tdx_v4'
const PACK_TIME = 1751624191

const { name, quote, file, root, rootDer, now } = await loadSample()
const collateral = parseCollateral(file)
const documents = JSON.parse(new TextDecoder().decode(file))
const seconds = Math.floor(now.getTime() / 1000)
const verifier =
  rootDer === undefined
    ? phala.QuoteVerifier.newProd()
    : phala.QuoteVerifier.newWithRootCa(Buffer.from(rootDer))

const ours = () => verifyQuote({ quote: parseQuote(quote), collateral, root, now }).status
const oursWhole = () =>
  verifyQuote({ quote: parseQuote(quote), collateral: parseCollateral(file), root, now }).status
const theirs = () => verifier.verify(quote, documents, seconds).status

if (new Set([ours(), oursWhole(), theirs()]).size !== 1) throw new Error('the verdicts differ')
const times = { ours: [], oursWhole: [], theirs: [] }
for (let round = -WARM_UP; round < ROUNDS; round++) {
  for (const [key, task] of Object.entries({ ours, oursWhole, theirs })) {
    const start = performance.now()
    task()
    if (round >= 0) times[key].push(performance.now() - start)
  }
}
const ms = Object.fromEntries(Object.entries(times).map(([key, list]) => [key, median(list)]))
console.log(`${name}, ${ours()}, median of ${ROUNDS}, Node ${process.version}`)
console.log(`sp1-tee, collateral parsed once   ${ms.ours.toFixed(2)} ms`)
console.log(`sp1-tee, collateral parsed, too   ${ms.oursWhole.toFixed(2)} ms`)
console.log(`@phala/dcap-qvl 0.3.9             ${ms.theirs.toFixed(2)} ms`)
console.log(`ratio                             ${(ms.theirs / ms.ours).toFixed(1)} times as fast`)
console.log(`ratio, with parsing               ${(ms.theirs / ms.oursWhole).toFixed(1)}`)

async function loadSample() {
  const shared = process.env.SP1_TEE_SHARED
  if (shared !== undefined) {
    const quote = new Uint8Array(readFileSync(join(shared, `${PACK}.quote.bin`)))
    const file = new Uint8Array(readFileSync(join(shared, `${PACK}.collateral.json`)))
    const now = new Date(1000 * PACK_TIME)
    return { name: 'a real quote', quote, file, root: INTEL_ROOT, now }
  }
  const stateDir = mkdtempSync(join(tmpdir(), 'sp1-tee-bench-'))
  try {
    const sources = createMachineSources({ stateDir, warn: console.error })
    const provider = await selectProvider('simulated', sources)
    const quote = await provider.quote(new Uint8Array(randomBytes(64)))
    const file = encodeCollateral(openCollateral(provider.collateral()))
    const pem = readFileSync(provider.rootCertificatePath, 'utf8')
    const rootDer = Buffer.from(pem.replaceAll(/-----.*-----|\s/g, ''), 'base64')
    const root = parseTrustedRoot(rootDer)
    return { name: 'a simulated quote', quote, file, root, rootDer, now: new Date() }
  } finally {
    rmSync(stateDir, { recursive: true })
  }
}

function median(list) {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]
}
