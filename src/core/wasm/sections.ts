/** Numbers of the binary format that writer and printer share. Source: specification 2.0, 5.5. */

export const SECTIONS = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  element: 9,
  code: 10,
} as const

/** Of imports and exports. */
export const EXTERNAL_KINDS = { func: 0, table: 1, memory: 2, global: 3 } as const
export type ExternalKind = keyof typeof EXTERNAL_KINDS
