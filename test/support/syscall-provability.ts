/**
 * Which calls of the syscall vectors SP1 executes although it cannot prove them, and why: the reasons
 * that we give. No reference prints them; test/vectors/provability/SOURCE.md says where they are from.
 */
import { readFileSync } from 'node:fs'

/** Reason → syscall → names of vectors, by release. */
export type Unprovable = Record<string, Record<string, Record<string, string[]>>>

/** Executed by SP1, but no prover can follow: we stop there. By release and call. */
export const REFUSED: ReadonlySet<string> = new Set([
  '3.4.0 HINT_READ/into-registers',
  '5.2.4 HINT_READ/into-registers',
])

/** A call is `RELEASE SYSCALL/NAME`. */
export function loadReasons(): ReadonlyMap<string, string> {
  const file = new URL('../vectors/provability/calls.json', import.meta.url)
  const recorded: Unprovable = JSON.parse(readFileSync(file, 'utf8'))
  const rows = Object.entries(recorded).flatMap(([release, reasons]) =>
    Object.entries(reasons).flatMap(([reason, syscalls]) =>
      Object.entries(syscalls).flatMap(([syscall, names]) =>
        names.map((name) => [`${release} ${syscall}/${name}`, reason] as const),
      ),
    ),
  )
  return new Map(rows)
}
