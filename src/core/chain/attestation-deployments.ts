/**
 * Attestation contracts of Automata that are known, by chain. Data: the registry of
 * automata-dcap-attestation @2df31aa (2026-07-25), rust-crates/libraries/network-registry/deployment,
 * folders `current` and `v1.0`, contract AutomataDcapAttestationFee.
 */
import type { Hex } from '../bytes.js'
import type { OutputLayout } from './deploy.js'

interface Row {
  readonly layout: OutputLayout
  readonly address: Hex
  readonly chainIds: readonly number[]
}

const ROWS: readonly Row[] = [
  {
    layout: 'v1.1',
    address: '0xaddec7e85c2182202b66e331f2a4a0bbb2ceea1f',
    chainIds: [
      10, 56, 97, 130, 137, 480, 998, 999, 1301, 4801, 8453, 42161, 43113, 43114, 80002, 84532,
      421614, 560048, 11155420,
    ],
  },
  {
    layout: 'v1.1',
    address: '0x27188aba3a26cbb806ef4c67de9b05d7d792ec10',
    chainIds: [11155111, 1398243, 65536],
  },
  {
    layout: 'v1.1',
    address: '0x0387ab2edab2a138a43437e36af63689bb7030f4',
    chainIds: [1, 4326, 6343, 42429],
  },
  {
    layout: 'v1.1',
    address: '0xb8621da79b42a62e576408995155d48e9f856489',
    chainIds: [1514, 1315],
  },
  {
    layout: 'v1.0',
    address: '0x95175096a9b74165be0ac84260cc14fc1c0ef5ff',
    chainIds: [
      1, 10, 56, 97, 137, 480, 1301, 4801, 8453, 42161, 43113, 43114, 65536, 80002, 84532, 421614,
      560048, 1398243, 11155111, 11155420,
    ],
  },
  { layout: 'v1.0', address: '0x3cffab18b9fa4b18c2660dbd8ae04509228e9b2b', chainIds: [130] },
  // 1.0.0-alpha, which the first registry asks (preset automata-testnet).
  { layout: 'v1.0', address: '0x6d67ae70d99a4cce500de44628bcb4dacfc1a145', chainIds: [1398243] },
]

/** Chains whose verifiers were deployed after the check of PCK chains was mended (2026-04-22). */
const MENDED_CHAINS: readonly number[] = [1315, 1514]

const PCK_CHAIN_WARNING =
  'The verifiers behind this attestation contract date from before April 2026, by its deployment files: they skip the signature of a PCK certificate whose issuer is named otherwise, so anybody can make quotes that pass. Check quoteVerifiers(4) and (5) on the chain, or use a deployment of your own.'
const OK_WARNING =
  'Attestation contracts of layout v1.0 call a platform up to date if both it and its quoting enclave or module are out of date.'

/** @returns undefined if none is known. */
export function findAttestation(chainId: number, layout: OutputLayout): Hex | undefined {
  return ROWS.find((row) => row.layout === layout && row.chainIds.includes(chainId))?.address
}

/** What whoever relies on an attestation contract must know; nothing of a contract that is not known. */
export function attestationWarnings(chainId: number, address: Hex): readonly string[] {
  const row = ROWS.find((one) => one.address === address && one.chainIds.includes(chainId))
  if (row === undefined) return []
  return [
    ...(MENDED_CHAINS.includes(chainId) ? [] : [PCK_CHAIN_WARNING]),
    ...(row.layout === 'v1.0' ? [OK_WARNING] : []),
  ]
}
