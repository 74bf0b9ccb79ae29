/**
 * What the service bears: many clients with a warm small guest, over real HTTP on this machine.
 * Prints completed proofs per second, latencies at a fixed rate, what the processors of server and guests
 * did for a proof, which other work on this machine changes least, and whatever was not a success.
 *
 * node bench/serve.mjs [--seconds N] [--clients N] [--rate N]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request as send } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    clients: { type: 'string', default: '200' },
    rate: { type: 'string', default: '50' },
  },
})
const [seconds, clients, rate] = [values.seconds, values.clients, values.rate].map(Number)
const ROOT = join(import.meta.dirname, '..')
const elf = readFileSync(join(ROOT, 'guests/elf/fibonacci.elf'))
const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-bench-'))
const server = spawn(process.execPath, [join(ROOT, 'test/support/kill-server.mjs'), folder, '1'], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const [url] = await once(createInterface(server.stdout), 'line')
const agent = new Agent({ keepAlive: true, maxSockets: 1024 })

try {
  const { programId } = JSON.parse((await ask('PUT', '/v1/programs', elf, 'octet-stream')).text)
  for (let i = 0; i < 50; i++) await prove(programId, i)

  console.log(`${clients} clients, ${seconds} s, fibonacci(10 to 40):`)
  report(await closedLoop(programId))
  console.log(`${rate} proofs asked for per second, ${seconds} s:`)
  report(await openLoop(programId))
} finally {
  server.kill('SIGTERM')
  await once(server, 'exit')
  rmSync(folder, { recursive: true })
}

/** Each client asks for its next proof when it has the last one. */
async function closedLoop(programId) {
  const run = newRun()
  const client = async (number) => {
    for (let i = 0; performance.now() < run.endsMs; i++) await measured(run, programId, number + i)
  }
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)))
  return run
}

/** Proofs are asked for at a steady rate, whether or not the last ones are there. */
async function openLoop(programId) {
  const run = newRun()
  const asked = []
  for (let i = 0; performance.now() < run.endsMs; i++) {
    asked.push(measured(run, programId, i))
    const dueMs = run.beganMs + ((i + 1) * 1000) / rate
    await new Promise((resolve) => setTimeout(resolve, Math.max(dueMs - performance.now(), 0)))
  }
  await Promise.all(asked)
  return run
}

function newRun() {
  const beganMs = performance.now()
  const cpu = processorMs()
  return { beganMs, endsMs: beganMs + 1000 * seconds, latenciesMs: [], failures: {}, cpu }
}

/** Used so far, by the server and by its children: Linux's clock ticks of 10 ms. */
function processorMs() {
  const used = { server: 0, guests: 0 }
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    let fields
    try {
      const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
      fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    } catch {
      continue
    }
    const ms = 10 * (Number(fields[11]) + Number(fields[12]))
    if (Number(pid) === server.pid) used.server += ms
    if (Number(fields[1]) === server.pid) used.guests += ms
  }
  return used
}

async function measured(run, programId, number) {
  const beganMs = performance.now()
  const failure = await prove(programId, number)
  run.latenciesMs.push(performance.now() - beganMs)
  if (failure !== undefined) run.failures[failure] = (run.failures[failure] ?? 0) + 1
}

/** As the proof of concept's clients do: ask, and wait. @returns what went wrong, if anything did */
async function prove(programId, number) {
  const input = Buffer.alloc(4)
  input.writeUInt32LE(10 + (number % 31))
  const stdin = { buffer: [`0x${input.toString('hex')}`] }
  const job = await ask('POST', '/v1/proofs', JSON.stringify({ programId, stdin }), 'json')
  if (job.status !== 202) return `asking: HTTP ${job.status}`
  const { id } = JSON.parse(job.text)
  const { status } = await ask('POST', '/wait_proof', id, 'octet-stream')
  return status === 200 ? undefined : `waiting: HTTP ${status}`
}

function ask(method, path, body, type) {
  return new Promise((resolve) => {
    const headers = { 'content-type': `application/${type}`, 'content-length': body.length }
    const failed = ({ code }) => resolve({ status: code, text: '' })
    const request = send(`${url}${path}`, { method, headers, agent }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode, text }))
      response.on('error', failed)
    })
    request.on('error', failed)
    request.end(body)
  })
}

function report({ beganMs, latenciesMs, failures, cpu }) {
  const now = processorMs()
  const perSecond = latenciesMs.length / ((performance.now() - beganMs) / 1000)
  const sorted = [...latenciesMs].sort((a, b) => a - b)
  const at = (share) => sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)]
  const quantiles = [0.5, 0.95, 0.99].map((share) => `p${100 * share} ${at(share).toFixed(1)} ms`)
  console.log(
    `  ${perSecond.toFixed(1)} proofs/s, ${quantiles.join(', ')}, ${sorted.length} proofs`,
  )
  const each = (who) => ((now[who] - cpu[who]) / latenciesMs.length).toFixed(2)
  console.log(
    `  processor time per proof: server ${each('server')} ms, guests ${each('guests')} ms`,
  )
  console.log(`  failures: ${JSON.stringify(failures)}`)
}
