/**
 * The main job, end to end, with the built command: run a guest, name it, prove it, verify the proof;
 * then two proofs that must be refused. Everything it writes is in one temporary folder, removed at
 * the end.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import chalk from 'chalk'

const ROOT = join(import.meta.dirname, '..')
const ELF = 'guests/elf/fibonacci.elf'
const STDIN = 'guests/inputs/fibonacci.bin'
const REFUSED = 5

const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-demo-'))
const proofFile = join(folder, 'fibonacci.proof.json')
const startedAt = Date.now()

try {
  heading('1. Run the guest: fibonacci with n = 1000, as SP1 3.4.0 would')
  run(['execute', ELF, '--stdin', STDIN])

  heading('2. Name the program: its verifying key, as SP1 verifier contracts know it')
  run(['vkey', ELF])

  heading('3. Prove: execute, compute the key, sign both')
  const signer = prove('signer', proofFile)

  heading('4. Verify: derive everything again from the program and the proof')
  run(['verify', proofFile, '--signer', signer, '--elf', ELF])

  heading('5. The same proof with other public values is refused')
  const proof = JSON.parse(readFileSync(proofFile, 'utf8'))
  const forged = join(folder, 'forged.proof.json')
  writeFileSync(
    forged,
    JSON.stringify({ ...proof, publicValues: `${proof.publicValues.slice(0, -2)}00` }),
  )
  run(['verify', forged, '--signer', signer], REFUSED)

  heading('6. A proof signed by another key is refused')
  const foreign = join(folder, 'foreign.proof.json')
  prove('another-signer', foreign)
  run(['verify', foreign, '--signer', signer], REFUSED)

  const seconds = ((Date.now() - startedAt) / 1000).toFixed(0)
  console.log(chalk.green(`\nDone in ${seconds} s: one proof accepted, two forgeries refused.`))
} finally {
  rmSync(folder, { recursive: true })
}

/** Proves with the key of the state folder `name`, and says whose key that is. */
function prove(name, out) {
  // The demo has no tmpfs for its key, and no use for it afterwards.
  const key = ['--state-dir', join(folder, name), '--insecure-key-on-disk']
  run(['prove', ELF, '--stdin', STDIN, '--out', out, ...key])
  return JSON.parse(readFileSync(out, 'utf8')).signer
}

/** Runs the command before the reader's eyes; any other exit code than expected ends the demo. */
function run(args, expectedExitCode = 0) {
  const shown = args.map((argument) => argument.replaceAll(folder, '$DEMO')).join(' ')
  console.log(chalk.dim(`$ sp1-tee ${shown}`))
  const { status } = spawnSync(process.execPath, ['bin/run.js', ...args], {
    cwd: ROOT,
    stdio: 'inherit',
  })
  if (status !== expectedExitCode) {
    throw new Error(
      `sp1-tee ${shown} ended with exit code ${status} instead of ${expectedExitCode}`,
    )
  }
}

function heading(text) {
  console.log(`\n${chalk.bold(text)}`)
}
