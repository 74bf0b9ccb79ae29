/**
 * Events of a log for people: which register, what kind, and the text in them where there is one.
 *
 * Source: TCG PC Client Platform Firmware Profile 1.06, 10.4.
 */
import { type Hex, toHex, viewOf } from '../bytes.js'
import { type LogEvent, SHA384_ALGORITHM } from './event-log.js'

const EFI = 0x80000000
const EVENT_TYPES: Readonly<Record<number, string>> = {
  1: 'EV_POST_CODE',
  3: 'EV_NO_ACTION',
  4: 'EV_SEPARATOR',
  5: 'EV_ACTION',
  6: 'EV_EVENT_TAG',
  7: 'EV_S_CRTM_CONTENTS',
  8: 'EV_S_CRTM_VERSION',
  9: 'EV_CPU_MICROCODE',
  10: 'EV_PLATFORM_CONFIG_FLAGS',
  11: 'EV_TABLE_OF_DEVICES',
  12: 'EV_COMPACT_HASH',
  13: 'EV_IPL',
  [EFI + 1]: 'EV_EFI_VARIABLE_DRIVER_CONFIG',
  [EFI + 2]: 'EV_EFI_VARIABLE_BOOT',
  [EFI + 3]: 'EV_EFI_BOOT_SERVICES_APPLICATION',
  [EFI + 4]: 'EV_EFI_BOOT_SERVICES_DRIVER',
  [EFI + 5]: 'EV_EFI_RUNTIME_SERVICES_DRIVER',
  [EFI + 6]: 'EV_EFI_GPT_EVENT',
  [EFI + 7]: 'EV_EFI_ACTION',
  [EFI + 8]: 'EV_EFI_PLATFORM_FIRMWARE_BLOB',
  [EFI + 9]: 'EV_EFI_HANDOFF_TABLES',
  [EFI + 10]: 'EV_EFI_PLATFORM_FIRMWARE_BLOB2',
  [EFI + 11]: 'EV_EFI_HANDOFF_TABLES2',
  [EFI + 12]: 'EV_EFI_VARIABLE_BOOT2',
  [EFI + 0x10]: 'EV_EFI_HCRTM_EVENT',
  [EFI + 0xe0]: 'EV_EFI_VARIABLE_AUTHORITY',
}
const VARIABLE_TYPES: ReadonlySet<number> = new Set([EFI + 1, EFI + 2, EFI + 12, EFI + 0xe0])
/** Of a variable: its GUID, and the lengths of name and value, before the name. */
const VARIABLE_HEADER_BYTES = 32
const GUID_BYTES = 16
const MAX_TEXT = 200

export interface InspectedEvent {
  /** `RTMR0` to `RTMR3`. */
  readonly register: string
  readonly type: string
  readonly digest: Hex
  /** What firmware wrote, unchecked; empty where it is no text. */
  readonly text: string
}

export function describeEvent({ mrIndex, type, digests, data }: LogEvent): InspectedEvent {
  const entry = digests.find(({ algorithm }) => algorithm === SHA384_ALGORITHM)
  return {
    register: mrIndex >= 1 && mrIndex <= 4 ? `RTMR${mrIndex - 1}` : `MR${mrIndex}`,
    type: EVENT_TYPES[type] ?? `0x${type.toString(16)}`,
    digest: toHex(entry?.digest ?? new Uint8Array(0)),
    text: (VARIABLE_TYPES.has(type) ? variableName(data) : plainText(data)).slice(0, MAX_TEXT),
  }
}

function variableName(data: Uint8Array): string {
  if (data.length < VARIABLE_HEADER_BYTES) return ''
  const characters = viewOf(data).getBigUint64(GUID_BYTES, true)
  const end = VARIABLE_HEADER_BYTES + 2 * Number(characters)
  if (end > data.length) return ''
  return new TextDecoder('utf-16le').decode(data.subarray(VARIABLE_HEADER_BYTES, end))
}

/** Printable ASCII, up to a zero at its end. */
function plainText(data: Uint8Array): string {
  const text = new TextDecoder('latin1').decode(data).replace(/\0+$/, '')
  return /^[\x20-\x7e]+$/.test(text) ? text : ''
}
