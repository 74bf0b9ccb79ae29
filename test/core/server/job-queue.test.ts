import { describe, expect, it } from 'vitest'
import { JobQueue, type JobQueueOptions, type Work } from '../../../src/core/server/job-queue.js'
import type { Proof } from '../../../src/core/signer/proof.js'

const PROOF = { publicValues: '0x', cycles: 7 } as unknown as Proof

function newQueue(options: Partial<JobQueueOptions> = {}) {
  let ids = 0
  return new JobQueue({
    concurrency: 1,
    maxQueued: 2,
    maxInputBytes: 100,
    newId: () => `job ${++ids}`,
    nowMs: () => 0,
    ...options,
  })
}

/** Work that ends when it is told to. */
function heldWork() {
  let finish: (proof: Proof) => void = () => {}
  let fail: (error: unknown) => void = () => {}
  const ending = new Promise<Proof>((resolve, reject) => {
    finish = resolve
    fail = reject
  })
  const work: Work = (signal) => {
    signal.addEventListener('abort', () => fail(new Error('aborted')))
    return ending
  }
  return { work, finish: () => finish(PROOF), fail }
}

describe('a job', () => {
  it('is queued, then runs, then has ended with its proof', async () => {
    const queue = newQueue()
    const [a, b] = [heldWork(), heldWork()]
    const first = queue.submit(1, a.work)
    const second = queue.submit(1, b.work)
    expect([first.state, second.state]).toEqual(['running', 'queued'])
    a.finish()
    expect(await queue.wait(first.id)).toMatchObject({
      state: 'succeeded',
      proof: PROOF,
      cycles: 7,
    })
    expect(queue.get(second.id).state).toBe('running')
    b.fail('why')
    expect(await queue.wait(second.id)).toMatchObject({ state: 'failed', error: 'why' })
    await queue.drained()
  })

  it('says how far it is', () => {
    const queue = newQueue()
    const job = queue.submit(1, (_signal, onCycles) => {
      onCycles(5)
      return heldWork().work(new AbortController().signal, onCycles)
    })
    expect(queue.get(job.id).cycles).toBe(5)
  })

  it('that is unknown is an error', async () => {
    expect(() => newQueue().get('x')).toThrow(expect.objectContaining({ code: 'JOB_UNKNOWN' }))
    await expect(newQueue().wait('x')).rejects.toMatchObject({ code: 'JOB_UNKNOWN' })
  })

  it('ends when the queue is aborted, the queued ones too', async () => {
    const queue = newQueue()
    const jobs = [
      queue.submit(1, heldWork().work),
      queue.submit(1, async (signal) => {
        signal.throwIfAborted()
        return PROOF
      }),
    ]
    queue.abort()
    await queue.drained()
    expect(jobs.map(({ state }) => state)).toEqual(['failed', 'failed'])
  })
})

describe('bounds', () => {
  it('refuses more jobs than may wait, and takes them when there is room', async () => {
    const queue = newQueue()
    const works = [heldWork(), heldWork(), heldWork()]
    for (const { work } of works) queue.submit(1, work)
    const refusal = expect.objectContaining({
      code: 'QUEUE_FULL',
      details: { queued: 2, retryAfterSeconds: 2 },
    })
    expect(() => queue.submit(1, heldWork().work)).toThrow(refusal)
    works[0]?.finish()
    await queue.wait('job 1')
    expect(() => queue.submit(1, heldWork().work)).not.toThrow()
  })

  it('with no place to wait still takes what it can run', () => {
    const queue = newQueue({ maxQueued: 0, concurrency: 2 })
    queue.submit(1, heldWork().work)
    queue.submit(1, heldWork().work)
    expect(() => queue.submit(1, heldWork().work)).toThrow()
  })

  it('refuses more bytes of input than it may hold', async () => {
    const queue = newQueue()
    const first = heldWork()
    queue.submit(60, first.work)
    expect(() => queue.submit(60, heldWork().work)).toThrow()
    first.finish()
    await queue.wait('job 1')
    expect(() => queue.submit(60, heldWork().work)).not.toThrow()
  })

  it.each([
    ['number', { maxEnded: 2 }],
    ['bytes', { maxEndedBytes: 2 * 1024 + 2000 }],
  ])('forgets the oldest ended jobs above a %s, never the newest', async (_what, options) => {
    const queue = newQueue({ ...options, concurrency: 10 })
    const proof = { ...PROOF, publicValues: `0x${'00'.repeat(400)}` } as Proof
    for (let i = 1; i <= 4; i++) {
      queue.submit(1, async () => proof)
      await queue.wait(`job ${i}`)
    }
    expect(() => queue.get('job 2')).toThrow()
    expect(queue.get('job 3').proof).toBe(proof)
    expect(queue.get('job 4').proof).toBe(proof)
    const giant = { ...PROOF, publicValues: `0x${'00'.repeat(10_000)}` } as Proof
    const { id } = queue.submit(1, async () => giant)
    expect((await queue.wait(id)).proof).toBe(giant)
    expect(queue.get(id).proof).toBe(giant)
  })
})
