/**
 * What the loaders of SP1's releases ask of an ELF beyond the format itself.
 * Source: sp1-core-executor 3.4.0 and 5.2.4, disassembler/elf.rs; sp1-core-machine riscv/shape.rs for
 * the sizes.
 */

export interface ElfRules {
  /** Most words of all executable segments: the tallest program table. */
  readonly maxCodeWords: number
  /** Most words of all segments: the tallest table of initial memory, or what we take. */
  readonly maxImageWords: number
  /** Segments must ascend, code must be in one piece above 0x20 and not writable, and so on. */
  readonly isStrict: boolean
}

export const ELF_RULES_3_4_0: ElfRules = {
  maxCodeWords: 2 ** 22,
  maxImageWords: 2 ** 22,
  isStrict: false,
}

/**
 * Most words of initial memory where SP1 has no bound: 64 MiB. A file of 200 bytes can ask for all of a
 * guest's memory, which takes gigabytes and a minute to lay out, and far longer to compute a key of.
 */
export const MAX_IMAGE_WORDS = 2 ** 24

/** Initial memory is part of the key as a sum of curve points, so no table bounds it. */
export const ELF_RULES_5_2_4: ElfRules = {
  maxCodeWords: 2 ** 22,
  maxImageWords: MAX_IMAGE_WORDS,
  isStrict: true,
}
