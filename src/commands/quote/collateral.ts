import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.js'
import { rpcFlags } from '../../chain-flags.js'
import { type Collateral, type CollateralDocuments, encodeCollateral } from '../../core/index.js'
import { writeOutput } from '../../files.js'
import { fetchCollateralOf, pccsFlags, quoteArg, readQuote } from '../../quote-flags.js'
import { watch } from '../../terminal.js'

interface FetchedCollateral {
  readonly collateral: CollateralDocuments
  readonly collateralFile?: string
}

export default class QuoteCollateral extends BaseCommand {
  static override summary = 'fetch the collateral that a quote is verified with'
  static override description =
    "From Intel's PCS, from a PCCS, or from an on-chain PCCS. The file is in the form of dcap-qvl, and is all that `quote verify --collateral` needs beside the quote."
  static override examples = [
    '<%= config.bin %> quote collateral quote.bin -o collateral.json',
    '<%= config.bin %> quote collateral quote.bin --pccs-url https://localhost:8081 --json',
    '<%= config.bin %> quote collateral quote.bin --rpc-url https://… --pccs-contract 0x…',
  ]
  static override args = { quote: Args.string(quoteArg) }
  static override flags = {
    ...pccsFlags,
    ...rpcFlags,
    out: Flags.string({ char: 'o', description: 'file for the collateral', helpValue: 'FILE' }),
  }

  async run(): Promise<FetchedCollateral> {
    const { args, flags } = await this.parse(QuoteCollateral)
    const quote = await readQuote(args.quote)
    const collateral = await watch('Collateral', this.isSilent(), () =>
      fetchCollateralOf(quote, flags, this.interrupted),
    )
    const { out } = flags
    if (out === undefined) this.log(new TextDecoder().decode(encodeCollateral(collateral)).trim())
    else {
      await writeOutput(out, encodeCollateral(collateral))
      this.log(describe(collateral))
      this.log(`collateral   ${out}`)
    }
    return {
      collateral: collateral.documents,
      ...(out !== undefined && { collateralFile: out }),
    }
  }
}

function describe({ tcbInfo, qeIdentity, pckCrl, rootCrl }: Collateral): string {
  const rows = [
    ['TCB info', tcbInfo.value.nextUpdate],
    ['QE identity', qeIdentity.value.nextUpdate],
    ['PCK CRL', pckCrl.nextUpdate],
    ['root CRL', rootCrl.nextUpdate],
  ] as const
  return rows.map(([name, end]) => `${name.padEnd(12)} valid until ${end.toISOString()}`).join('\n')
}
