/** Whole verifying keys, compared with what SP1 itself computed. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseElf } from '../../../src/core/riscv/elf.js'
import type { CommittedChip, VkeyRecipe } from '../../../src/core/vkey/recipe.js'
import { RECIPE_3_4_0 } from '../../../src/core/vkey/recipe-3.4.0.js'
import { RECIPE_5_2_4 } from '../../../src/core/vkey/recipe-5.2.4.js'
import { computeVkey } from '../../../src/core/vkey/vkey.js'
import { guestElf } from '../../support/cli.js'
import { type SyntheticElf, syntheticElf } from '../../vectors/vkey/synthetic-elf.js'

interface Answer {
  readonly elfSha256: string
  readonly vkey: {
    readonly bytes32: string
    readonly hashBytes: string
    readonly commit: readonly number[]
    readonly pcStart: number
    readonly chips: readonly CommittedChip[]
  }
}

const ROOT = new URL('../../../', import.meta.url)
const readJson = (path: string) => JSON.parse(readFileSync(new URL(path, ROOT), 'utf8'))
/** The largest shape takes some 15 s on two free cores. */
const TIMEOUT_MS = 240_000

async function expectKey(
  recipe: VkeyRecipe,
  elf: Uint8Array,
  { elfSha256, vkey }: Answer,
): Promise<void> {
  expect(createHash('sha256').update(elf).digest('hex')).toBe(elfSha256)
  expect(await computeVkey(parseElf(elf), { recipe, threads: 2 })).toMatchObject({
    bytes32: vkey.bytes32,
    hashBytes: `0x${vkey.hashBytes}`,
    commit: vkey.commit,
    pcStart: vkey.pcStart,
    chips: vkey.chips.map(({ name, logHeight, width }) => ({ name, logHeight, width })),
  })
}

describe.each([RECIPE_3_4_0, RECIPE_5_2_4])('verifying key of SP1 $release:', (recipe) => {
  const { release } = recipe
  const guests: Record<string, Answer> = readJson(`test/vectors/guests/sp1-${release}.json`).guests
  it.each(Object.entries(guests))(
    '%s',
    (name, answer) => expectKey(recipe, readFileSync(guestElf(name, release)), answer),
    TIMEOUT_MS,
  )

  const synthetic: (Answer & SyntheticElf)[] = readJson(
    `test/vectors/vkey/sp1-${release}.json`,
  ).elfs
  it.each(synthetic)(
    '$instructions instructions and $zeroWords zero words',
    (answer) => expectKey(recipe, syntheticElf(answer), answer),
    TIMEOUT_MS,
  )
})

describe('verifying key of SP1 3.4.0, a guest of the benchmarks:', () => {
  const folder = new URL('guests/bench/elf/', ROOT)
  const guests: Record<string, Answer> = readJson('test/vectors/vkey/bench-3.4.0.json').guests
  it.each(Object.entries(guests))('%s', (name, answer) => {
    const elf = readFileSync(new URL(`${name}.elf`, folder))
    return expectKey(RECIPE_3_4_0, elf, answer)
  })

  it('all of them', () => {
    const elfs = readdirSync(folder).filter((name) => name.endsWith('.elf'))
    expect(elfs.sort()).toEqual(Object.keys(guests).map((name) => `${name}.elf`))
  })
})
