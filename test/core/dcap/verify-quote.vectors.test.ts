/**
 * Quotes of real machines with Intel's collateral of their time, and what is left of them when they
 * are tampered with; named by SP1_TEE_SHARED, and judged as manifest.json and results.json say.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  type Collateral,
  openCollateral,
  parseCollateral,
} from '../../../src/core/dcap/collateral.js'
import { parseTrustedRoot } from '../../../src/core/dcap/trusted-root.js'
import { checkQuote, verifyQuote } from '../../../src/core/dcap/verify-quote.js'
import { Sp1TeeError } from '../../../src/core/errors.js'
import { parseQuote } from '../../../src/core/tdx/quote.js'
import { STRICTER_THAN_RUST, TAMPERED_COLLATERAL } from '../../support/verdict-cases.js'
import { readShared, SHARED_TDX } from '../tdx/shared.js'

interface Pack {
  readonly name: string
  readonly quote: string
  readonly collateral: string
  readonly verifyAsOf: number
  readonly results: Readonly<Record<string, unknown>>
}

interface Tampered {
  readonly name: string
  readonly now: number
  readonly rust_0_7_0: string
}

/** Packs whose reference gives no status, and what we say instead. */
const REFUSED_PACKS: Readonly<Record<string, string>> = {
  automata_tdx_v5: 'TCB_LEVEL_MISSING',
  dcapqvl_tdx_v5_td15_low_tcb: 'TCB_LEVEL_MISSING',
  // Certificates in DER where PEM is specified.
  intel_synth_tdx_v4: 'QUOTE_MALFORMED',
}

/** What is wrong with each tampered case; `valid` for changes that no signature covers. */
const TAMPERED: Readonly<Record<string, string>> = {
  v4_untouched: 'valid',
  v4_sig_s_negated: 'valid',
  v4_trailing_stripped: 'valid',
  v4_reportdata_bit: 'QUOTE_SIGNATURE',
  v4_mrtd_bit: 'QUOTE_SIGNATURE',
  v4_rtmr3_bit: 'QUOTE_SIGNATURE',
  v4_tdattr_debug_bit: 'QUOTE_SIGNATURE',
  v4_header_userdata_bit: 'QUOTE_SIGNATURE',
  v4_header_vendor_bit: 'QE_VENDOR_UNKNOWN',
  v4_quote_sig_bit: 'QUOTE_SIGNATURE',
  v4_sig_zero: 'QUOTE_SIGNATURE',
  v4_attest_key_bit: 'ATTESTATION_KEY_UNBOUND',
  v4_attkey_zero: 'ATTESTATION_KEY_UNBOUND',
  v4_qe_auth_data_bit: 'ATTESTATION_KEY_UNBOUND',
  v4_qe_report_mrsigner_bit: 'QE_REPORT_SIGNATURE',
  v4_qe_report_data_bit: 'QE_REPORT_SIGNATURE',
  v4_qe_report_sig_bit: 'QE_REPORT_SIGNATURE',
  v4_pck_leaf_char: 'CERTIFICATE_SIGNATURE',
  v4_pck_ca_char: 'DER_MALFORMED',
  v4_chain_replaced_by_tcb_signing: 'CHAIN_INCOMPLETE',
  // The reference accepts these; we do not.
  v4_chain_no_root: 'CHAIN_INCOMPLETE',
  v4_chain_order_swapped: 'CERTIFICATE_PROFILE',
  v4_trailing_bytes: 'QUOTE_TRAILING',
  v4_outer_cert_type_7: 'QUOTE_UNSUPPORTED',
  v4_chain_no_intermediate: 'CHAIN_INCOMPLETE',
  v4_chain_leaf_only: 'CHAIN_INCOMPLETE',
  v4_truncated_1: 'QUOTE_TRUNCATED',
  v4_truncated_report: 'QUOTE_TRUNCATED',
  v4_version_xor1: 'QUOTE_UNSUPPORTED',
  v4_tee_type: 'QUOTE_UNSUPPORTED',
  v4_att_key_type_3: 'QUOTE_UNSUPPORTED',
  // The PCK CRL ends some minutes before TCB info does.
  v4_time_after_tcb_nextupdate: 'CRL_EXPIRED',
  v4_time_before_tcb_issue: 'COLLATERAL_EXPIRED',
  v4_tcbinfo_tampered: 'COLLATERAL_SIGNATURE',
  v4_qeid_tampered: 'COLLATERAL_SIGNATURE',
  v4_pck_crl_sig_bit: 'CRL_SIGNATURE',
  v4_root_crl_sig_bit: 'CRL_SIGNATURE',
  v4_pck_crl_missing: 'COLLATERAL_MALFORMED',
  v4_pck_crl_is_root_crl: 'CRL_ISSUER',
  v4_tcbinfo_wrong_fmspc: 'COLLATERAL_MISMATCH',
  v4_tcbinfo_sgx: 'COLLATERAL_MISMATCH',
  v4_qeid_sgx: 'COLLATERAL_MISMATCH',
}

if (SHARED_TDX === undefined) {
  describe('quotes of real machines', () => {
    it('are verified', (context) => context.skip('SP1_TEE_SHARED is not set'))
  })
} else {
  const readJson = (path: string) =>
    JSON.parse(readFileSync(join(String(SHARED_TDX), path), 'utf8'))
  const packs: readonly Pack[] = readJson('manifest.json').packs
  const collateralOf = (name: string): Collateral =>
    parseCollateral(readShared(`packs/${name}.collateral.json`))
  const at = (seconds: number) => new Date(1000 * seconds)

  describe('packs of real machines', () => {
    it.each(packs.map((pack) => [pack.name, pack] as const))('%s', (name, pack) => {
      const judge = () => {
        const quote = parseQuote(readShared(pack.quote))
        return verifyQuote({ quote, collateral: collateralOf(name), now: at(pack.verifyAsOf) })
      }
      const reference = pack.results['rust dcap-qvl 0.7.0 (PyPI dcap-qvl)'] as unknown[]
      const refused = REFUSED_PACKS[name]
      expect(reference[0]).toBe(refused === undefined ? 'OK' : 'ERR')
      if (refused !== undefined) expect(codeOf(judge)).toBe(refused)
      else {
        const { status, advisoryIds, simulated, expires } = judge()
        expect([status, [...advisoryIds].sort()]).toEqual(reference.slice(1))
        expect(simulated).toBe(false)
        // Valid to the end of the first part that ends, and not a second longer.
        const quote = parseQuote(readShared(pack.quote))
        const collateral = collateralOf(name)
        expect(codeOf(() => verifyQuote({ quote, collateral, now: expires }))).toBe('valid')
        const after = new Date(expires.getTime() + 1000)
        expect(codeOf(() => verifyQuote({ quote, collateral, now: after }))).toMatch(/_EXPIRED$/)
      }
    })
  })

  describe('quotes of another simulation', () => {
    const root = parseTrustedRoot(readShared('simulated/root.der'))
    const now = at(Number(new TextDecoder().decode(readShared('simulated/now'))))
    const collateral = parseCollateral(readShared('simulated/col.json'))
    it.each([
      ['q_v4', 'UpToDate'],
      ['q_v5', 'UpToDate'],
      ['q_v4_low_module', 'OutOfDate'],
      ['q_v4_low_tdx', 'OutOfDate'],
      ['q_v5_relaunch', 'TDRelaunchAdvised'],
      ['q_v4_qe_low', 'TCB_LEVEL_MISSING'],
      // For policies to refuse: what the quote says is true.
      ['q_v4_debug', 'UpToDate'],
      ['q_v4_no_sept', 'UpToDate'],
      // Intel's library takes authentication data of any length.
      ['q_v4_authlen16', 'UpToDate'],
    ])('%s: %s', (name, expected) => {
      const quote = parseQuote(readShared(`simulated/${name}.bin`))
      const { checks, verified } = checkQuote({ quote, collateral, now, root })
      const failure = checks.find(({ code }) => code !== undefined)?.code
      expect(failure ?? verified?.status).toBe(expected)
      expect(codeOf(() => verifyQuote({ quote, collateral, now }))).toBe('ROOT_UNTRUSTED')
    })
  })

  describe('tampered cases', () => {
    const cases: readonly Tampered[] = readJson('tampered/results.json')
    const base = collateralOf('dcapqvl_tdx_v4').documents

    it('are all known', () => {
      expect(cases.map(({ name }) => name).sort()).toEqual(Object.keys(TAMPERED).sort())
    })

    it.each(cases.map((row) => [row.name, row] as const))('%s', (name, { now, rust_0_7_0 }) => {
      const expected = TAMPERED[name]
      const change = TAMPERED_COLLATERAL[name]
      const isQuote = change === undefined && !name.startsWith('v4_time')
      const path = isQuote ? `tampered/${name}.quote.bin` : 'packs/dcapqvl_tdx_v4.quote.bin'
      const judge = () => {
        const collateral = openCollateral({ ...base, ...change?.(base) })
        return verifyQuote({ quote: parseQuote(readShared(path)), collateral, now: at(now) })
      }
      expect(codeOf(judge)).toBe(expected)
      const isAccepted = expected === 'valid' || STRICTER_THAN_RUST.includes(name)
      expect(rust_0_7_0.startsWith('OK')).toBe(isAccepted)
    })
  })
}

function codeOf(task: () => unknown): string {
  try {
    task()
    return 'valid'
  } catch (error) {
    if (error instanceof Sp1TeeError) return error.code
    throw error
  }
}
