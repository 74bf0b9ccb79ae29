/** The status page in a real browser: it shows what the server says, in light and in dark. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UnavailableError } from '../../../src/core/errors.js'
import { openSqliteJobStore } from '../../../src/core/jobs/sqlite-job-store.js'
import { guestElf } from '../../support/cli.js'
import { ended, postJson, send } from '../../support/http.js'
import {
  NOW_SECONDS,
  newLiveSigner,
  startService,
  type TestService,
} from '../../support/service.js'

const CHROMIUM = '/usr/bin/chromium'
const run = promisify(execFile)

let service: TestService
let url: string
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sp1-tee-browser-'))
  // The browser has a clock of its own.
  const expiresAt = Math.floor(Date.now() / 1000) + 3000
  const signer = newLiveSigner({
    register: async (address) => ({ address, txHash: '0x', blockNumber: 1, expiresAt }),
    nowSeconds: () => Date.now() / 1000,
  })
  await signer.start()
  service = await startService({ signer, simulated: true, dateMs: Date.now })
  url = await service.app.listen({ host: '127.0.0.1', port: 0 })
  const elf = [...readFileSync(guestElf('fibonacci'))]
  const stdin = { buffer: ['0x0a000000'] }
  const { text: id } = await postJson(service, '/request_proof', { elf, stdin, proof_mode: 'TEE' })
  await ended(service, id)
})
afterAll(async () => {
  await service.app.drain(AbortSignal.abort())
  rmSync(folder, { recursive: true })
})

/** Chromium refuses to sandbox for root. Virtual time lets the page's requests and timers run. */
async function browse(...args: readonly string[]): Promise<string> {
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${folder}/profile`]
  const time = ['--virtual-time-budget=3000', '--hide-scrollbars', '--window-size=1100,1000']
  const page = args.some((arg) => arg.startsWith('http')) ? [] : [url]
  const { stdout } = await run(CHROMIUM, [...flags, ...time, ...args, ...page], {
    maxBuffer: 2 ** 24,
    env: { ...process.env, HOME: folder },
  })
  return stdout
}

/** What a person reads, from the document as the script left it. */
function textOf(html: string): string {
  const body = html.slice(html.indexOf('<body>'), html.indexOf('<script>'))
  return body
    .replace(/<(\w+)[^>]* hidden[^>]*>.*?<\/\1>/g, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
}

describe('the page', () => {
  it('shows the signer, the queue, the throughput and recent jobs', async () => {
    const text = textOf(await browse('--dump-dom'))
    const { address } = service.signer.registration
    const { json } = await send(service, 'GET', '/status.json')
    expect(text).toContain('ready')
    expect(text).toContain('SIMULATED')
    expect(text).toContain(address)
    expect(text).toContain('expires in 50 min')
    expect(text).toContain('waiting, of 256')
    expect(text).toContain('1 proof in the last 30 minutes')
    expect(text).toMatch(new RegExp(`succeeded ${json.recent[0].cycles.toLocaleString('en-US')}`))
    expect(text).not.toContain('None yet')
    expect(json.recent[0].createdAtMs).not.toBe(NOW_SECONDS * 1000)
  })

  it('shows what is known while the store is away', async () => {
    const store = openSqliteJobStore({ path: ':memory:', nowMs: () => performance.now() })
    const lost = await startService({ store })
    const away = () => Promise.reject(new UnavailableError('STORE_UNAVAILABLE', { reason: 'x' }))
    Object.assign(store, { counts: away, list: away, check: away })
    const text = textOf(
      await browse('--dump-dom', await lost.app.listen({ host: '127.0.0.1', port: 0 })),
    )
    expect(text).toContain('not ready')
    expect(text).toContain(lost.signer.registration.address)
    expect(text).toContain('– waiting, of 256')
    expect(text).toContain('The store of jobs does not answer.')
    await lost.app.drain(AbortSignal.abort())
  })

  it.each([
    ['light', []],
    ['dark', ['--blink-settings=preferredColorScheme=0', '--force-dark-mode']],
  ] as const)('draws itself: %s', async (name, flags) => {
    const file = join(process.env.SP1_TEE_SCREENSHOTS ?? folder, `${name}.png`)
    await browse(`--screenshot=${file}`, ...flags)
    const png = readFileSync(file)
    expect(png.subarray(1, 4).toString()).toBe('PNG')
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1100, 1000])
    // An empty page compresses to a tenth of this.
    expect(png.length).toBeGreaterThan(20_000)
  })
})
