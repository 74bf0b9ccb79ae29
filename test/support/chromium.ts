/** A page in a real browser, driven by the DevTools protocol over a pipe: no port that others reach. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { expect } from 'vitest'

const CHROMIUM = '/usr/bin/chromium'

export interface Page {
  /** What an expression gives, once it is settled, as JSON has it. */
  evaluate(expression: string): Promise<unknown>
  /** Until a person could read this text in the page. */
  untilText(text: string): Promise<void>
  close(): Promise<void>
}

interface Message {
  readonly id?: number
  /** Of an event. */
  readonly method?: string
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

export async function openPage(url: string): Promise<Page> {
  const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-chromium-'))
  // Chromium refuses to sandbox for root.
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${folder}`]
  const chromium = spawn(CHROMIUM, [...flags, '--remote-debugging-pipe', 'about:blank'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, HOME: folder },
  })
  const { ask, happens } = connect(chromium)
  const { targetId } = await ask('Target.createTarget', { url: 'about:blank' })
  const { sessionId } = await ask('Target.attachToTarget', { targetId, flatten: true })
  await ask('Page.enable', {}, sessionId)
  const isLoaded = happens('Page.loadEventFired')
  await ask('Page.navigate', { url }, sessionId)
  await isLoaded

  async function evaluate(expression: string): Promise<unknown> {
    const asked = { expression, awaitPromise: true, returnByValue: true }
    const answer = await ask('Runtime.evaluate', asked, sessionId)
    const { exceptionDetails, result } = answer as {
      exceptionDetails?: unknown
      result: { value?: unknown }
    }
    expect(exceptionDetails).toBeUndefined()
    return result.value
  }

  return {
    evaluate,
    async untilText(text) {
      await evaluate(`new Promise((resolve) => {
        const isThere = () => document.body.innerText.includes(${JSON.stringify(text)})
        if (isThere()) return resolve()
        const observer = new MutationObserver(() => isThere() && resolve())
        observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true })
      })`)
    },
    async close() {
      await ask('Browser.close', {})
      if (chromium.exitCode === null) await once(chromium, 'exit')
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Messages are JSON, each ended by a zero byte. */
function connect(chromium: ChildProcess) {
  const [requests, answers] = chromium.stdio.slice(3) as unknown as [Writable, Readable]
  const waiting = new Map<number | string, (message: Message) => void>()
  const next = (key: number | string) =>
    new Promise<Message>((resolve) => waiting.set(key, resolve)).finally(() => waiting.delete(key))
  let text = ''
  answers.setEncoding('utf8').on('data', (chunk: string) => {
    const messages = (text + chunk).split('\0')
    text = messages.pop() ?? ''
    for (const message of messages.map((each) => JSON.parse(each) as Message)) {
      waiting.get(message.id ?? message.method ?? '')?.(message)
    }
  })
  let lastId = 0
  return {
    happens: (event: string) => next(event),
    async ask(method: string, params: object, sessionId?: unknown) {
      const id = ++lastId
      const answer = next(id)
      requests.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
      const { result = {}, error } = await answer
      expect(error?.message).toBeUndefined()
      return result
    },
  }
}
