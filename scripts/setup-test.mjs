/**
 * What the tests need of the system, from Debian packages: PostgreSQL, a browser, and those who check
 * what is in deploy/. As root it installs
 * what is missing; anybody else is told the one line to run.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'

const POSTGRES = '/usr/lib/postgresql'
const NEEDS = {
  postgresql: () => existsSync(POSTGRES) && readdirSync(POSTGRES).length > 0,
  chromium: () => existsSync('/usr/bin/chromium'),
  // For promtool, which checks the alert rules.
  prometheus: () => existsSync('/usr/bin/promtool'),
  systemd: () => existsSync('/usr/bin/systemd-analyze'),
}

const missing = Object.keys(NEEDS).filter((name) => !NEEDS[name]())
if (missing.length > 0) {
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...missing]
  if (process.getuid?.() !== 0) {
    console.error(`The tests need ${missing.join(' and ')}. Run: sudo ${install.join(' ')}`)
    process.exit(1)
  }
  run(['apt-get', 'update', '-q'])
  run(install)
}

function run([command, ...args]) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env })
  if (status !== 0) process.exit(1)
}
