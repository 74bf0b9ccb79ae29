/**
 * The form of a policy file. schemas/policy.schema.json is this object, written by
 * `npm run generate`.
 */
import type { JsonSchema } from './json-schema.js'

/** Statuses that a policy may accept: all but Revoked, which verification refuses before. */
export const ACCEPTABLE_STATUSES = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  'TDRelaunchAdvised',
  'TDRelaunchAdvisedConfigurationNeeded',
] as const

function hexOf(bytes: number, description: string): JsonSchema {
  const pattern = `^0x[0-9a-fA-F]{${2 * bytes}}$`
  return { type: 'string', description: `${description}: 0x and ${2 * bytes} hex digits`, pattern }
}

const REGISTER_BYTES = 48

/** Fields of a quote's body that a workload may pin; a field that is absent may be anything. */
export const WORKLOAD_FIELDS = {
  mrtd: hexOf(REGISTER_BYTES, 'the initial memory of the TD'),
  rtmr0: hexOf(REGISTER_BYTES, 'firmware configuration'),
  rtmr1: hexOf(REGISTER_BYTES, 'boot loader and kernel'),
  rtmr2: hexOf(REGISTER_BYTES, 'kernel command line and initial RAM disk'),
  rtmr3: hexOf(REGISTER_BYTES, 'what the guest itself measured'),
  mrConfigId: hexOf(REGISTER_BYTES, 'configuration given by the host'),
  mrOwner: hexOf(REGISTER_BYTES, 'owner given by the host'),
  mrOwnerConfig: hexOf(REGISTER_BYTES, "the owner's configuration given by the host"),
  xfam: hexOf(8, 'extended features'),
  tdAttributes: hexOf(8, 'attributes of the TD'),
} as const

export const POLICY_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'sp1-tee policy',
  description: 'What a relying party accepts of a quote that verified.',
  type: 'object',
  required: ['version'],
  additionalProperties: false,
  properties: {
    version: { type: 'integer', const: 1 },
    tee: {
      type: 'string',
      description: 'TDX accepts quotes of TDs, SGX those of SGX enclaves',
      enum: ['TDX', 'SGX'],
      default: 'TDX',
    },
    acceptedStatuses: {
      type: 'array',
      description: 'statuses that are accepted, spelled as Intel spells them',
      items: { type: 'string', enum: ACCEPTABLE_STATUSES },
      minItems: 1,
      maxItems: ACCEPTABLE_STATUSES.length,
      default: ['UpToDate'],
    },
    outOfDateGraceDays: {
      type: 'integer',
      description:
        'for so many days after the date of the level that a platform reaches, its being out of date is accepted, advisories included',
      minimum: 0,
      maximum: 3650,
      default: 0,
    },
    ignoredAdvisories: {
      type: 'array',
      description: 'advisories that are ignored until a date; any other one is refused',
      items: {
        type: 'object',
        required: ['id', 'until'],
        additionalProperties: false,
        properties: {
          id: {
            type: 'string',
            description: 'an advisory id like INTEL-SA-00837',
            pattern: '^[A-Z0-9-]{1,40}$',
          },
          until: {
            type: 'string',
            description: 'a date like 2027-03-31',
            pattern: '^\\d{4}-\\d\\d-\\d\\d$',
          },
        },
      },
      maxItems: 1000,
      default: [],
    },
    minimumEvaluationNumber: {
      type: 'integer',
      description: "the lowest tcbEvaluationDataNumber of Intel's collateral",
      minimum: 0,
      maximum: 4294967295,
      default: 0,
    },
    septVeDisable: {
      type: 'string',
      description:
        'whether TDATTRIBUTES must have SEPT_VE_DISABLE; TDs of some clouds (Azure) do not',
      enum: ['required', 'any'],
      default: 'required',
    },
    serviceTds: {
      type: 'array',
      description: 'values of MRSERVICETD besides zero: service TDs that may be bound to the TD',
      items: hexOf(REGISTER_BYTES, 'a hash of service TDs'),
      maxItems: 1000,
      default: [],
    },
    tdxModules: {
      type: 'array',
      description: 'values of MRSEAM that are accepted; without this, any module of Intel is',
      items: hexOf(REGISTER_BYTES, 'the hash of a TDX module'),
      minItems: 1,
      maxItems: 1000,
    },
    workloads: {
      type: 'array',
      description: 'what may run; one must fit in all its fields. Without this, anything may',
      items: {
        type: 'object',
        minProperties: 1,
        additionalProperties: false,
        properties: {
          name: {
            type: 'string',
            description: 'a name for people, of printable ASCII',
            pattern: '^[ -~]{1,200}$',
          },
          workloadId: hexOf(32, 'keccak256 of what the TD measured'),
          ...WORKLOAD_FIELDS,
        },
      },
      minItems: 1,
      maxItems: 1000,
    },
  },
} as const satisfies JsonSchema
