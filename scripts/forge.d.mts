/** Types for tests, which are TypeScript. */
export function forge(args: readonly string[]): { readonly status: number | null }
