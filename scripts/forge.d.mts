export function foundryBinary(name: 'forge' | 'anvil'): string
