/** The names under which SP1's reports count instructions, in 3.x and 5.x alike. */

/** SP1 has no immediate opcodes: `addi` counts as ADD, `sltiu` as SLTU, and `lui` is an ADD too. */
export function opcodeOf(mnemonic: string): string {
  if (mnemonic === 'lui') return 'ADD'
  return mnemonic.replace(/^(add|sub|xor|or|and|sll|srl|sra|slt)i(u?)$/, '$1$2').toUpperCase()
}
