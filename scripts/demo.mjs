/**
 * The main job, end to end, with the built command: run a guest, name it, bring up the service and a
 * chain, prove, verify on the chain; then proofs that must be refused, and a rotation under load.
 * Everything it writes is in one temporary folder, removed at the end with all it started.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import chalk from 'chalk'

const ROOT = join(import.meta.dirname, '..')
const ELF = 'guests/elf/fibonacci.elf'
const STDIN = 'guests/inputs/fibonacci.bin'
const REFUSED = 5
const CLIENTS = 4
const ROTATIONS = 3

const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-demo-'))
const proofFile = join(folder, 'fibonacci.proof.json')
const startedAt = Date.now()
let service

try {
  heading('1. Run the guest: fibonacci with n = 1000, as SP1 3.4.0 would')
  run(['execute', ELF, '--stdin', STDIN])

  heading('2. Name the program: its verifying key, as SP1 verifier contracts know it')
  run(['vkey', ELF])

  heading('3. Bring up the service, and a chain whose contracts take its (simulated) quotes')
  service = await serve()
  const { url, rpcUrl, multiProof } = service.ready
  const chain = ['--rpc-url', rpcUrl, '--multiproof', multiProof]

  heading('4. Have it prove: execute, compute the key, sign both with the attested signer')
  run(['prove', ELF, '--stdin', STDIN, '--url', url, '--out', proofFile])

  heading('5. Verify: derive everything again from the program and the proof, and ask the contract')
  run(['verify', proofFile, '--elf', ELF, ...chain])

  heading('6. The same proof with other public values is refused')
  const proof = JSON.parse(readFileSync(proofFile, 'utf8'))
  const forged = join(folder, 'forged.proof.json')
  const publicValues = `${proof.publicValues.slice(0, -2)}00`
  writeFileSync(forged, JSON.stringify({ ...proof, publicValues }))
  run(['verify', forged, ...chain], REFUSED)

  heading(
    '7. A proof of the same run, signed by a key that nobody registered, is refused on the chain',
  )
  const foreign = join(folder, 'foreign.proof.json')
  // The demo has no tmpfs for that key, and no use for it afterwards.
  const key = ['--state-dir', join(folder, 'stranger'), '--insecure-key-on-disk']
  run(['prove', ELF, '--stdin', STDIN, '--out', foreign, ...key])
  const { stdout } = run(['verify', foreign, ...chain], REFUSED)
  if (!stdout.includes('Invalid_TEE_Signer')) throw new Error('refused for another reason')

  heading(
    `8. ${ROTATIONS} rotations while ${CLIENTS} clients prove: nothing is lost, nothing refused`,
  )
  const count = await rotateUnderLoad(service.ready, chain)

  heading('9. Stop')
  await service.stop()
  service = undefined
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(0)
  console.log(
    chalk.green(
      `\nDone in ${seconds} s: ${count + 1} proofs accepted on chain, two forgeries refused.`,
    ),
  )
} finally {
  await service?.stop()
  rmSync(folder, { recursive: true })
}

/** `serve --dev` in the background, once it listens. */
async function serve() {
  const args = ['serve', '--dev', '--listen', '127.0.0.1:0']
  show(args)
  const child = spawn(
    process.execPath,
    ['bin/run.js', ...args, '--json', '--state-dir', join(folder, 'service')],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const ended = once(child, 'exit')
  const failed = ended.then(() => Promise.reject(new Error('the service did not start')))
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), failed])
  failed.catch(() => {})
  const ready = JSON.parse(line)
  for (const [name, value] of Object.entries(ready)) console.log(`${name.padEnd(12)} ${value}`)
  return {
    ready,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** @returns the number of proofs made meanwhile, every one accepted by the contract. */
async function rotateUnderLoad({ url, signer }, chain) {
  let isOver = false
  const files = []
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    for (let round = 0; !isOver; round++) {
      const out = join(folder, `load-${client}-${round}.proof.json`)
      await quietly(['prove', ELF, '--stdin', STDIN, '--url', url, '--out', out])
      files.push(out)
    }
  })
  const signers = [signer]
  for (let i = 0; i < ROTATIONS; i++) {
    const { current } = JSON.parse(await quietly(['rotate', '--url', url, '--json']))
    console.log(`signer       ${current}`)
    signers.push(current)
  }
  isOver = true
  await Promise.all(clients)
  const used = new Set(files.map((file) => JSON.parse(readFileSync(file, 'utf8')).signer))
  for (const file of files) await quietly(['verify', file, ...chain])
  console.log(`${files.length} proofs by ${used.size} of ${signers.length} signers: all accepted`)
  return files.length
}

/** Runs the command unseen; @returns what it printed. */
async function quietly(args) {
  const child = spawn(process.execPath, ['bin/run.js', ...args], { cwd: ROOT })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const [exitCode] = await once(child, 'close')
  if (exitCode !== 0) throw new Error(`sp1-tee ${args.join(' ')} failed: ${stdout}${stderr}`)
  return stdout
}

/** Runs the command before the reader's eyes; any other exit code than expected ends the demo. */
function run(args, expectedExitCode = 0) {
  show(args)
  const { status, stdout } = spawnSync(process.execPath, ['bin/run.js', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    env: { ...process.env, ...(chalk.level > 0 && { FORCE_COLOR: '1' }) },
  })
  process.stdout.write(stdout)
  if (status !== expectedExitCode) {
    throw new Error(`it ended with exit code ${status} instead of ${expectedExitCode}`)
  }
  return { stdout }
}

function show(args) {
  const shown = args.map((argument) => argument.replaceAll(folder, '$DEMO')).join(' ')
  console.log(chalk.dim(`$ sp1-tee ${shown}`))
}

function heading(text) {
  console.log(`\n${chalk.bold(text)}`)
}
