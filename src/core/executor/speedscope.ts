/**
 * Profiles as files that https://www.speedscope.app opens.
 * Source: https://www.speedscope.app/file-format-schema.json, "sampled" profiles.
 */
import type { Profile } from './profile.js'

/** JSON in UTF-8. The unit is `none`: a weight is a number of instructions. */
export function encodeSpeedscope({ frames, samples, weights }: Profile, name: string): Uint8Array {
  const endValue = weights.reduce((sum, weight) => sum + weight, 0)
  const file = {
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter: 'sp1-tee',
    name,
    shared: { frames: frames.map((frame) => ({ name: frame })) },
    profiles: [{ type: 'sampled', name, unit: 'none', startValue: 0, endValue, samples, weights }],
  }
  return new TextEncoder().encode(JSON.stringify(file))
}
