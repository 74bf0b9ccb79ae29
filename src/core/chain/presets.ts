/** Deployments that are known by name. */
import type { Hex } from '../bytes.js'

export interface Preset {
  readonly chainId: number
  readonly registry: Hex
  readonly multiProof: Hex
}

export const PRESETS = {
  'automata-testnet': {
    chainId: 1398243,
    registry: '0xb110688b9f1b6a88bdaf51e0e9be6a9243b52c94',
    multiProof: '0xf42b05b7caf5b0ce2441d73e1c3982d8f51f28af',
  },
} as const satisfies Record<string, Preset>

export type PresetName = keyof typeof PRESETS
export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[]
