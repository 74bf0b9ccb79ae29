import { describe, expect, it } from 'vitest'
import { cli, cliJson, guestElf } from '../support/cli.js'

const FIBONACCI = guestElf('fibonacci')
const BYTES32 = '0x00e3caa2e260cfb01b4b6a1a0970b521b15f7c56c73f5ce0a76607df290e8cd6'
const HASH_BYTES = '0x71e551711833ec06696d4341170b521b0afbe2b61cfd73824ecc0fbe290e8cd6'

describe('vkey', () => {
  it('prints the two lines of cargo prove vkey', async () => {
    const run = await cli(['vkey', FIBONACCI])
    expect(run).toEqual({ exitCode: 0, stdout: `Verification Key Hash:\n${BYTES32}`, stderr: '' })
  })

  it('prints both encodings as JSON; several programs give an array', async () => {
    const key = {
      sp1: '3.4.0',
      elfHash: '0xf986602b5356c100b78f0005a431d7a693de4c2db402241e7dcffb38fa831930',
      bytes32: BYTES32,
      hashBytes: HASH_BYTES,
    }
    const [one, two] = [
      await cliJson(['vkey', FIBONACCI, '--threads', '1']),
      await cliJson(['vkey', FIBONACCI, guestElf('hashes')]),
    ]
    expect(one.json).toEqual(key)
    expect(two.json).toHaveLength(2)
    expect(two.json[0]).toEqual(key)
  })

  it('refuses what is no program', async () => {
    const run = await cliJson(['vkey', FIBONACCI, import.meta.filename])
    expect([run.exitCode, run.json.error.code]).toEqual([2, 'ELF_NOT_ELF'])
  })
})
