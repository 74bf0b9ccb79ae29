/**
 * What a relying party accepts of a quote that verified. A policy is data; rules.ts says what each
 * field means. Debuggable and migratable TDs are refused by every policy.
 */
import type { Hex } from '../bytes.js'
import { InputError } from '../errors.js'
import { findSchemaFault } from './json-schema.js'
import { type ACCEPTABLE_STATUSES, POLICY_SCHEMA, WORKLOAD_FIELDS } from './policy-schema.js'

export type WorkloadField = keyof typeof WORKLOAD_FIELDS
export const WORKLOAD_FIELD_NAMES = Object.keys(WORKLOAD_FIELDS) as WorkloadField[]

/** What may run; hex is lower case. */
export type Workload = Readonly<Partial<Record<WorkloadField | 'workloadId', Hex>>> & {
  readonly name?: string
}

export interface Policy {
  readonly version: 1
  readonly tee: 'TDX' | 'SGX'
  readonly acceptedStatuses: readonly (typeof ACCEPTABLE_STATUSES)[number][]
  readonly outOfDateGraceDays: number
  readonly ignoredAdvisories: readonly { readonly id: string; readonly until: Date }[]
  readonly minimumEvaluationNumber: number
  readonly septVeDisable: 'required' | 'any'
  readonly serviceTds: readonly Hex[]
  readonly tdxModules?: readonly Hex[]
  readonly workloads?: readonly Workload[]
}

interface PolicyFile extends Partial<Omit<Policy, 'ignoredAdvisories'>> {
  readonly ignoredAdvisories?: readonly { readonly id: string; readonly until: string }[]
}

/** Up to date, no advisory, not debuggable, and any workload: what is taken without a policy file. */
export const DEFAULT_POLICY: Policy = parsePolicy({ version: 1 })

/**
 * @param value - what a JSON or YAML file holds.
 * @throws InputError `POLICY_MALFORMED`
 */
export function parsePolicy(value: unknown): Policy {
  const fault = findSchemaFault(POLICY_SCHEMA, value)
  if (fault !== undefined) throw new InputError('POLICY_MALFORMED', fault)
  const file = value as PolicyFile
  const { properties } = POLICY_SCHEMA
  const workloads = file.workloads?.map(parseWorkload)
  return {
    version: 1,
    tee: file.tee ?? properties.tee.default,
    acceptedStatuses: file.acceptedStatuses ?? properties.acceptedStatuses.default,
    outOfDateGraceDays: file.outOfDateGraceDays ?? properties.outOfDateGraceDays.default,
    ignoredAdvisories: (file.ignoredAdvisories ?? []).map(({ id, until }, i) => ({
      id,
      until: parseDay(until, `ignoredAdvisories[${i}].until`),
    })),
    minimumEvaluationNumber:
      file.minimumEvaluationNumber ?? properties.minimumEvaluationNumber.default,
    septVeDisable: file.septVeDisable ?? properties.septVeDisable.default,
    serviceTds: (file.serviceTds ?? []).map(lowerCase),
    ...(file.tdxModules !== undefined && { tdxModules: file.tdxModules.map(lowerCase) }),
    ...(workloads !== undefined && { workloads }),
  }
}

function parseWorkload(workload: Workload, i: number): Workload {
  const { name, ...fields } = workload
  const entries = Object.entries(fields).map(([field, hex]) => [field, lowerCase(hex)])
  // A name alone would accept everything, which nobody means who writes one.
  if (entries.length === 0) {
    throw new InputError('POLICY_MALFORMED', { path: `workloads[${i}]`, reason: 'pins nothing' })
  }
  return { ...(name !== undefined && { name }), ...Object.fromEntries(entries) }
}

/** The end of the day, in UTC. */
function parseDay(day: string, path: string): Date {
  const date = new Date(`${day}T23:59:59Z`)
  if (Number.isNaN(date.getTime()) || !date.toISOString().startsWith(day)) {
    throw new InputError('POLICY_MALFORMED', { path, reason: 'is no date' })
  }
  return date
}

function lowerCase(hex: Hex): Hex {
  return hex.toLowerCase() as Hex
}
