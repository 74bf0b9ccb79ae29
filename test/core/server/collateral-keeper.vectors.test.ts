/** Quotes of real machines, with Intel's collateral of their time from a PCS on this machine. */
import { describe, expect, it } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import { parseCollateral } from '../../../src/core/dcap/collateral.js'
import { fetchCollateral } from '../../../src/core/dcap/collateral-fetch.js'
import { collateralKeyOf } from '../../../src/core/dcap/collateral-key.js'
import { describeRegistration } from '../../../src/core/server/attestation.js'
import {
  type CollateralEvent,
  CollateralKeeper,
} from '../../../src/core/server/collateral-keeper.js'
import { startPcs } from '../../support/pcs.js'
import { registered } from '../../support/service.js'
import { readShared, SHARED_TDX } from '../tdx/shared.js'

/** Name, time of the collateral, and what three other libraries say of it. */
const MACHINES = [
  ['dcapqvl_tdx_v4', 1751624191, 'UpToDate', []],
  [
    'automata_tdx_v4_gcp_1025',
    1761920231,
    'OutOfDate',
    ['INTEL-SA-00960', 'INTEL-SA-00982', 'INTEL-SA-00986'],
  ],
] as const

describe.skipIf(SHARED_TDX === undefined)('the keeper of collateral', () => {
  it.each(MACHINES)('%s', async (name, seconds, status, advisoryIds) => {
    const { documents } = parseCollateral(readShared(`packs/${name}.collateral.json`))
    const quote = toHex(readShared(`packs/${name}.quote.bin`))
    const registration = await registered(`0x${'5a'.repeat(20)}`)
    const { attestation } = describeRegistration(
      { ...registration, attestation: { quote, reportData: quote, reference: null } },
      { name: 'configfs', simulated: false },
    )
    const pcs = await startPcs(documents)
    const event = await new Promise<CollateralEvent>((resolve) => {
      const keeper: CollateralKeeper = new CollateralKeeper({
        attestation: () => attestation,
        dateMs: () => 1000 * seconds,
        fetch: (asked, { signal }) =>
          fetchCollateral(collateralKeyOf(asked), {
            ...{ fetch: globalThis.fetch, pccsUrl: pcs.url, signal },
            sleep: async () => {},
          }),
        onEvent(first) {
          expect(keeper.documentsFor(attestation!)).toEqual(documents)
          expect(keeper.trust?.advisoryIds.toSorted()).toEqual(advisoryIds)
          keeper.stop()
          resolve(first)
        },
      })
      keeper.follow()
    })
    await pcs.close()
    expect(event).toMatchObject({ kind: 'judged', status })
  })
})
