/** The verifying key of an ELF file under a release of SP1: parsing and computing in one step. */
import { type Hex, toHex } from '../bytes.js'
import { InputError } from '../errors.js'
import { loadProgram, type ReleaseChoice } from '../executor/release.js'
import { sha256 } from '../sha256.js'
import type { VkeyRecipe } from '../vkey/recipe.js'
import { RECIPE_3_4_0 } from '../vkey/recipe-3.4.0.js'
import { RECIPE_5_2_4 } from '../vkey/recipe-5.2.4.js'
import { computeVkey, type VkeyOptions } from '../vkey/vkey.js'

const RECIPES: readonly VkeyRecipe[] = [RECIPE_3_4_0, RECIPE_5_2_4]

export interface ElfVkey {
  readonly sp1: string
  /** SHA-256 of the ELF. */
  readonly elfHash: Hex
  /** As contracts know it (`programVKey`). */
  readonly bytes32: Hex
  /** As SP1's `hash_bytes`; this one is signed by scheme `automata`. */
  readonly hashBytes: Hex
}

export interface ElfVkeyOptions extends Omit<VkeyOptions, 'recipe'>, ReleaseChoice {}

/**
 * @throws InputError `ELF_…`, `RELEASE_…`
 * @throws UnavailableError `MEMORY_UNAVAILABLE`
 * @throws InterruptedError `signal` was aborted
 */
export async function computeElfVkey(
  elf: Uint8Array,
  { sp1: asked, fallbackSp1, ...rest }: ElfVkeyOptions,
): Promise<ElfVkey> {
  const { program, release } = loadProgram(elf, { sp1: asked, fallbackSp1 })
  const sp1 = release.version
  const recipe = recipeOf(sp1)
  const elfHash = hashElf(elf)
  const { bytes32, hashBytes } = await computeVkey(program, { ...rest, recipe })
  return { sp1, elfHash, bytes32, hashBytes }
}

/**
 * Refuse at once what `computeElfVkey` would refuse: a service says so before it queues anything.
 *
 * @returns the release
 * @throws InputError `ELF_…`, `RELEASE_…`
 */
export function checkElf(elf: Uint8Array, choice: ReleaseChoice): string {
  const { release } = loadProgram(elf, choice)
  recipeOf(release.version)
  return release.version
}

/** What `computeElfVkey` would say of the program without computing its key. */
export function identifyElf(
  elf: Uint8Array,
  choice: ReleaseChoice,
): Pick<ElfVkey, 'sp1' | 'elfHash'> {
  return { sp1: checkElf(elf, choice), elfHash: hashElf(elf) }
}

/** SHA-256. By node:crypto, whose native code is what makes asking for a known key quick. */
export function hashElf(elf: Uint8Array): Hex {
  return toHex(sha256(elf))
}

function recipeOf(sp1: string): VkeyRecipe {
  const recipe = RECIPES.find(({ release }) => release === sp1)
  if (recipe !== undefined) return recipe
  const known = RECIPES.map(({ release }) => release).join(', ')
  throw new InputError('RELEASE_UNKNOWN', { release: sp1, known })
}
