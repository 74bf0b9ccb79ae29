/** What the module exports: one pass over a program. */
export { longestRun, scan } from './scan'
