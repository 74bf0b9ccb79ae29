import { describe, expect, it } from 'vitest'
import { Shares } from '../../../src/core/server/shares.js'

describe('shares', () => {
  it('leave as much to others as one takes, and something to whoever has none', () => {
    const shares = new Shares(64)
    const most = (tenant: string) => {
      let amount = 0
      while (shares.take(tenant, 1)) amount++
      return amount
    }
    expect(['a', 'b', 'c', 'a', 'd'].map(most)).toEqual([32, 16, 8, 0, 4])
    expect(shares.taken).toBe(60)
    shares.giveBack('a', 32)
    expect(most('e')).toBe(18)
  })

  it('are taken whole or not at all, and are all there again when they were given back', () => {
    const shares = new Shares(10)
    expect(shares.take('a', 6)).toBe(false)
    expect(shares.taken).toBe(0)
    expect(shares.take('a', 5)).toBe(true)
    expect(shares.has('a', 1)).toBe(false)
    shares.giveBack('a', 5)
    expect(shares.take('b', 5)).toBe(true)
  })
})
