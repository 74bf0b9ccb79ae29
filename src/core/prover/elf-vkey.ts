/** The verifying key of an ELF file under a release of SP1: parsing and computing in one step. */
import { sha256 } from '@noble/hashes/sha2.js'
import { type Hex, toHex } from '../bytes.js'
import { InputError } from '../errors.js'
import { parseElf } from '../riscv/elf.js'
import type { VkeyRecipe } from '../vkey/recipe.js'
import { RECIPE_3_4_0 } from '../vkey/recipe-3.4.0.js'
import { computeVkey, type VkeyOptions } from '../vkey/vkey.js'

const RECIPES: readonly VkeyRecipe[] = [RECIPE_3_4_0]

export interface ElfVkey {
  readonly sp1: string
  /** SHA-256 of the ELF. */
  readonly elfHash: Hex
  /** As contracts know it (`programVKey`). */
  readonly bytes32: Hex
  /** As SP1's `hash_bytes`; this one is signed by scheme `automata`. */
  readonly hashBytes: Hex
}

export interface ElfVkeyOptions extends Omit<VkeyOptions, 'recipe'> {
  readonly sp1: string
}

/**
 * @throws InputError `ELF_…`, `RELEASE_UNKNOWN`
 * @throws InterruptedError `signal` was aborted
 */
export async function computeElfVkey(elf: Uint8Array, options: ElfVkeyOptions): Promise<ElfVkey> {
  const { sp1, ...rest } = options
  const recipe = recipeOf(sp1)
  const elfHash = toHex(sha256(elf))
  const { bytes32, hashBytes } = await computeVkey(parseElf(elf), { ...rest, recipe })
  return { sp1, elfHash, bytes32, hashBytes }
}

/**
 * Refuse at once what `computeElfVkey` would refuse: a service says so before it queues anything.
 *
 * @throws InputError `ELF_…`, `RELEASE_UNKNOWN`
 */
export function checkElf(elf: Uint8Array, sp1: string): void {
  recipeOf(sp1)
  parseElf(elf)
}

function recipeOf(sp1: string): VkeyRecipe {
  const recipe = RECIPES.find(({ release }) => release === sp1)
  if (recipe !== undefined) return recipe
  const known = RECIPES.map(({ release }) => release).join(', ')
  throw new InputError('RELEASE_UNKNOWN', { release: sp1, known })
}
