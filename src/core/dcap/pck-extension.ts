/**
 * What Intel's SGX extension in a PCK certificate says of the platform: which one it is, and which
 * security version each of its components had when Intel issued the certificate.
 *
 * Source: Intel SGX PCK Certificate and CRL Profile Specification 1.5, 1.3.5.
 */
import { TAG } from '../tdx/der.js'
import { OID } from '../tdx/oids.js'
import { DerReader } from './der-reader.js'

const COMPONENTS = 16
const MAX_COMPONENT_SVN = 255
const MAX_PCE_SVN = 65_535
const SGX_TYPES = ['standard', 'scalable', 'scalable with integrity'] as const

export interface PckPlatform {
  /** 16 bytes. */
  readonly ppid: Uint8Array
  /** The SVNs of 16 components. */
  readonly cpuSvn: readonly number[]
  readonly pceSvn: number
  /** 2 bytes. */
  readonly pceId: Uint8Array
  /** 6 bytes. */
  readonly fmspc: Uint8Array
  readonly sgxType: (typeof SGX_TYPES)[number]
  /** 16 bytes; platforms of the Platform CA only, as is what follows. */
  readonly platformInstanceId?: Uint8Array
  readonly configuration?: {
    readonly dynamicPlatform: boolean
    readonly cachedKeys: boolean
    readonly smtEnabled: boolean
  }
}

/** @throws InputError `DER_MALFORMED`; five entries or seven, in their order, and no others */
export function parsePckExtension(bytes: Uint8Array, what: string): PckPlatform {
  const reader = new DerReader(bytes, what)
  const entries = reader.sequence('SGX extension')
  reader.end('SGX extension')
  const ppid = readEntry(entries, '1', (entry) => entry.octets('PPID', 16))
  const { cpuSvn, pceSvn } = readEntry(entries, '2', (entry) => readTcb(entry.sequence('TCB')))
  const pceId = readEntry(entries, '3', (entry) => entry.octets('PCEID', 2))
  const fmspc = readEntry(entries, '4', (entry) => entry.octets('FMSPC', 6))
  const sgxType = readEntry(entries, '5', readSgxType)
  const platform = { ppid, cpuSvn, pceSvn, pceId, fmspc, sgxType }
  if (entries.isAtEnd) return platform
  const platformInstanceId = readEntry(entries, '6', (entry) => entry.octets('PIID', 16))
  const configuration = readEntry(entries, '7', (entry) =>
    readConfiguration(entry.sequence('configuration')),
  )
  entries.end('SGX extension')
  return { ...platform, platformInstanceId, configuration }
}

function readTcb(tcb: DerReader): { cpuSvn: number[]; pceSvn: number } {
  const cpuSvn = Array.from({ length: COMPONENTS }, (_, i) =>
    readEntry(tcb, `2.${i + 1}`, (entry) => entry.number('component SVN', MAX_COMPONENT_SVN)),
  )
  const pceSvn = readEntry(tcb, '2.17', (entry) => entry.number('PCESVN', MAX_PCE_SVN))
  // The components once more, as the CPU writes them; levels are compared by components.
  readEntry(tcb, '2.18', (entry) => entry.octets('CPUSVN', COMPONENTS))
  tcb.end('TCB')
  return { cpuSvn, pceSvn }
}

function readSgxType(entry: DerReader): PckPlatform['sgxType'] {
  const [number, ...rest] = entry.take(TAG.enumerated, 'SGX type')
  const sgxType = SGX_TYPES[number ?? -1]
  if (sgxType === undefined || rest.length > 0) throw entry.malformed('the SGX type is unknown')
  return sgxType
}

function readConfiguration(configuration: DerReader) {
  const read = (number: string, name: string) =>
    readEntry(configuration, number, (entry) => entry.boolean(name))
  const dynamicPlatform = read('7.1', 'dynamic platform')
  const cachedKeys = read('7.2', 'cached keys')
  const smtEnabled = read('7.3', 'SMT')
  configuration.end('configuration')
  return { dynamicPlatform, cachedKeys, smtEnabled }
}

function readEntry<T>(entries: DerReader, number: string, read: (entry: DerReader) => T): T {
  const entry = entries.sequence(`entry ${number}`)
  const oid = entry.objectIdentifier(`entry ${number}`)
  if (oid !== `${OID.sgx}.${number}`) throw entry.malformed(`entry ${number} has OID ${oid}`)
  const value = read(entry)
  entry.end(`entry ${number}`)
  return value
}
