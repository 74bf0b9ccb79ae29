/**
 * The page at `/`: how the service is, at one look. One document without anything from elsewhere; its
 * script asks `/status.json` every two seconds, and writes text only, never markup.
 */
import { sha256 } from '../sha256.js'

const STYLE = `
:root { color-scheme: light dark; --bg: #f6f7f9; --card: #fff; --ink: #1b2430; --soft: #5d6b7c;
  --line: #dfe4ea; --good: #14804a; --bad: #b42318; --warn: #9a5b00; --bar: #2f6fde; }
@media (prefers-color-scheme: dark) { :root { --bg: #0f141a; --card: #171e26; --ink: #e6ebf1;
  --soft: #93a1b1; --line: #2a343f; --good: #4ccb86; --bad: #ff7b6e; --warn: #f0b35a; --bar: #6aa0ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
header { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; margin-bottom: 1rem; }
h1 { font-size: 1.35rem; margin: 0; }
h2 { font-size: .8rem; margin: 0 0 .6rem; color: var(--soft); text-transform: uppercase;
  letter-spacing: .06em; }
.badge { border: 1px solid currentColor; border-radius: 1rem; padding: .05rem .7rem;
  font-weight: 600; font-size: .85rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.grid { display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr); }
@media (min-width: 46rem) { .grid { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1rem 1.1rem; min-width: 0; }
.wide { grid-column: 1 / -1; }
dl { margin: 0; display: grid; grid-template-columns: 7.5rem 1fr; gap: .25rem .75rem; }
dt { color: var(--soft); } dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.mono { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, monospace; }
.numbers { display: flex; flex-wrap: wrap; gap: 1.5rem; }
.number b { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.number span { color: var(--soft); font-size: .85rem; }
svg { display: block; width: 100%; height: 4.5rem; margin-top: .8rem; }
rect { fill: var(--bar); }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .5rem; border-top: 1px solid var(--line);
  white-space: nowrap; }
th { color: var(--soft); font-weight: 500; border-top: 0; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
footer { color: var(--soft); margin-top: 1rem; font-size: .85rem; }
footer a { color: inherit; }
`

const SCRIPT = `
'use strict'
const at = (id) => document.getElementById(id)
const put = (id, text, tone) => {
  at(id).textContent = text
  if (tone !== undefined) at(id).className = tone
}
const count = (n) => n === undefined ? '–' : n.toLocaleString('en-US')
const span = (seconds) => {
  if (seconds < 0) return 'expired'
  if (seconds < 90) return Math.round(seconds) + ' s'
  if (seconds < 5400) return Math.round(seconds / 60) + ' min'
  if (seconds < 172800) return (seconds / 3600).toFixed(1) + ' h'
  return Math.round(seconds / 86400) + ' days'
}
const fill = (id, rows) => at(id).replaceChildren(...rows.flatMap(([name, value]) => {
  const [dt, dd] = [document.createElement('dt'), document.createElement('dd')]
  dt.textContent = name
  dd.textContent = value
  if (String(value).startsWith('0x')) dd.className = 'mono'
  return [dt, dd]
}))
function show(s) {
  const now = Date.now() / 1000
  put('ready', s.ready ? 'ready' : 'not ready', 'badge ' + (s.ready ? 'good' : 'bad'))
  at('simulated').hidden = !s.simulated
  const left = s.signer ? s.signer.expiresAt - now : -1
  fill('signer', s.signer ? [
    ['address', s.signer.address], ['expires in', span(left)],
    ['registered', span(now - s.signer.sinceSeconds) + ' ago'],
    ['chain', String(s.signer.chainId)], ['registry', s.signer.registryAddress],
  ] : [['signer', 'none is registered']])
  fill('attestation', s.attestation
    ? [['provider', s.attestation.provider], ['workload id', s.attestation.workloadId],
      ['TCB status', s.collateral ? [s.collateral.status, ...s.collateral.advisoryIds].join(', ')
        : 'not known: no collateral'],
      ...(s.collateral ? [['collateral', 'expires in ' + span(s.collateral.expiresAt - now)]] : []),
      ...Object.entries(s.attestation.measurements)]
    : [['quote', 'not known to this server']])
  const jobs = s.jobs || {}
  put('queued', count(jobs.queued))
  put('queue-limit', 'waiting, of ' + count(s.limits.queue))
  put('running', count(jobs.running))
  put('slots', 'running, of ' + count(s.limits.concurrency))
  put('succeeded', count(jobs.succeeded))
  put('failed', count(jobs.failed))
  const most = Math.max(1, ...s.minutes.map((m) => m.succeeded))
  const width = 100 / s.minutes.length
  at('chart').replaceChildren(...s.minutes.map((m, i) => {
    const bar = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
    const height = (40 * m.succeeded) / most
    bar.setAttribute('x', String(i * width))
    bar.setAttribute('y', String(40 - height))
    bar.setAttribute('width', String(width * 0.8))
    bar.setAttribute('height', String(height))
    return bar
  }))
  const last = s.minutes.reduce((sum, m) => sum + m.succeeded, 0)
  put('lately', count(last) + (last === 1 ? ' proof' : ' proofs') + ' in the last ' + s.minutes.length + ' minutes, at most '
    + count(Math.max(0, ...s.minutes.map((m) => m.succeeded))) + ' in one')
  const recent = s.recent || []
  at('recent').replaceChildren(...recent.map((job) => {
    const row = document.createElement('tr')
    const tone = { succeeded: 'good', failed: 'bad', running: 'warn' }[job.state] || ''
    const cells = [[job.state, tone], [count(job.cycles)],
      [job.ranMs === undefined ? '' : count(Math.round(job.ranMs)) + ' ms'],
      [new Date(job.createdAtMs).toISOString().slice(0, 19).replace('T', ' ')]]
    for (const [text, name] of cells) {
      const cell = document.createElement('td')
      cell.textContent = text
      if (name) cell.className = name
      row.append(cell)
    }
    return row
  }))
  put('nothing', s.recent ? 'None yet.' : 'The store of jobs does not answer.')
  at('nothing').hidden = recent.length > 0
  put('version', 'sp1-tee ' + s.version)
  put('seen', 'as of ' + new Date().toISOString().slice(11, 19) + ' UTC')
}
async function look() {
  try {
    const answer = await fetch('status.json')
    if (!answer.ok) throw new Error('HTTP ' + answer.status)
    show(await answer.json())
  } catch (error) {
    put('ready', 'no answer', 'badge bad')
    put('seen', String(error.message))
  }
  setTimeout(look, 2000)
}
look()
`

export const STATUS_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>sp1-tee</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<header><h1>sp1-tee</h1><span id="ready" class="badge">…</span>
<span id="simulated" class="badge warn" hidden>SIMULATED, fit for development only</span></header>
<div class="grid">
<section><h2>Signer</h2><dl id="signer"></dl></section>
<section><h2>Queue</h2><div class="numbers">
<div class="number"><b id="queued">–</b><span id="queue-limit">waiting</span></div>
<div class="number"><b id="running">–</b><span id="slots">running</span></div>
<div class="number"><b id="succeeded">–</b><span>succeeded</span></div>
<div class="number"><b id="failed">–</b><span>failed</span></div></div>
<svg id="chart" viewBox="0 0 100 40" preserveAspectRatio="none" role="img"
  aria-labelledby="lately"></svg><div id="lately"></div></section>
<section class="wide"><h2>Attestation</h2><dl id="attestation"></dl></section>
<section class="wide"><h2>Recent jobs</h2><div class="scroll"><table>
<thead><tr><th>state</th><th>cycles</th><th>ran</th><th>asked for (UTC)</th></tr></thead>
<tbody id="recent"></tbody></table></div><p id="nothing">None yet.</p></section>
</div>
<footer><span id="version"></span> · <span id="seen"></span> · <a href="openapi.json">API</a> ·
<a href="metrics">metrics</a></footer>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`

export const STATUS_PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': [
    "default-src 'none'",
    `script-src 'sha256-${base64(sha256(new TextEncoder().encode(SCRIPT)))}'`,
    "style-src 'unsafe-inline'",
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}
