import { expect, it } from 'vitest'
import {
  ERROR_TABLES,
  factsOf,
  GuestError,
  InputError,
  InternalError,
  InterruptedError,
  RejectedError,
  restoreError,
  UnavailableError,
} from '../../src/core/errors.js'

it('no two errors have the same code', () => {
  const codes = Object.values(ERROR_TABLES).flatMap(({ rows }) => Object.keys(rows))
  expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([])
})

it.each([
  new InputError('HOOKS_IN_THREAD', {}),
  new GuestError('TIMEOUT', { timeoutSeconds: 1 }, { pc: 4 }),
  new GuestError('GUEST_EXIT', { exitCode: 3 }),
  new RejectedError('PRIVATE_KEY_REFUSED', { reason: 'so' }),
  new UnavailableError('QUEUE_FULL', { queued: 1, retryAfterSeconds: 1 }),
  new UnavailableError('JOB_UNKNOWN', { id: '1' }),
  new InterruptedError({ during: 'a test' }),
])('$code is the same error on the other side of a border', (error) => {
  const restored = restoreError(JSON.parse(JSON.stringify(factsOf(error))))
  expect(restored).toBeInstanceOf(error.constructor)
  const { name, message, code, details, exitCode, httpStatus, oclif } = error
  expect(restored).toMatchObject({ name, message, code, details, exitCode, httpStatus, oclif })
})

it.each([new Error('so'), new InternalError('so')])(
  'a bug tells no more than its message',
  (error) => {
    expect(factsOf(error)).toEqual({ code: 'INTERNAL', message: 'so', details: {} })
    expect(restoreError(factsOf(error))).toBeUndefined()
  },
)
