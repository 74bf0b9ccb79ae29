import { expect, it } from 'vitest'
import { ERROR_TABLES } from '../../src/core/errors.js'

it('no two errors have the same code', () => {
  const codes = Object.values(ERROR_TABLES).flatMap(({ rows }) => Object.keys(rows))
  expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([])
})
