/**
 * Checks a value against a JSON Schema: only the keywords that the policy's schema uses, so that the
 * schema that is published is also the one that is enforced.
 *
 * Source: JSON Schema 2020-12, core and validation.
 */
import { InternalError } from '../errors.js'

export interface JsonSchema {
  readonly $schema?: string
  readonly title?: string
  readonly description?: string
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'boolean'
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: false
  readonly minProperties?: number
  readonly items?: JsonSchema
  readonly minItems?: number
  readonly maxItems?: number
  readonly enum?: readonly string[]
  readonly const?: number
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly default?: unknown
}

export interface SchemaFault {
  /** Where: `workloads[0].mrtd`; empty for the whole. */
  readonly path: string
  readonly reason: string
}

/** The first thing that is wrong, in the order of the value; undefined if it fits. */
export function findSchemaFault(
  schema: JsonSchema,
  value: unknown,
  path = '',
): SchemaFault | undefined {
  switch (schema.type) {
    case 'object':
      return faultInObject(schema, value, path)
    case 'array':
      return faultInArray(schema, value, path)
    case 'string':
      return faultInString(schema, value, path)
    case 'integer':
      return faultInInteger(schema, value, path)
    case 'boolean':
      return typeof value === 'boolean' ? undefined : { path, reason: 'is no true or false' }
  }
}

function faultInObject(schema: JsonSchema, value: unknown, path: string): SchemaFault | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { path, reason: 'is no object' }
  }
  const { properties = {}, required = [], minProperties = 0 } = schema
  const missing = required.find((name) => !Object.hasOwn(value, name))
  if (missing !== undefined) return { path, reason: `has no ${missing}` }
  const entries = Object.entries(value)
  if (entries.length < minProperties) return { path, reason: 'is empty' }
  for (const [name, field] of entries) {
    const fieldPath = path === '' ? name : `${path}.${name}`
    if (!Object.hasOwn(properties, name)) return { path: fieldPath, reason: 'is not known' }
    const fault = findSchemaFault(properties[name]!, field, fieldPath)
    if (fault !== undefined) return fault
  }
  return undefined
}

function faultInArray(schema: JsonSchema, value: unknown, path: string): SchemaFault | undefined {
  if (!Array.isArray(value)) return { path, reason: 'is no list' }
  const { items, minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema
  if (items === undefined) throw new InternalError('a schema of a list says nothing of its items')
  if (value.length < minItems || value.length > maxItems) {
    return { path, reason: `has ${value.length} items, not ${minItems} to ${maxItems}` }
  }
  for (const [i, item] of value.entries()) {
    const fault = findSchemaFault(items, item, `${path}[${i}]`)
    if (fault !== undefined) return fault
  }
  return undefined
}

function faultInString(schema: JsonSchema, value: unknown, path: string): SchemaFault | undefined {
  if (typeof value !== 'string') return { path, reason: 'is no text' }
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    return { path, reason: `is none of ${schema.enum.join(', ')}` }
  }
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
    return { path, reason: `is not ${schema.description ?? `of the form ${schema.pattern}`}` }
  }
  return undefined
}

function faultInInteger(schema: JsonSchema, value: unknown, path: string): SchemaFault | undefined {
  const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = schema
  if (!Number.isSafeInteger(value)) return { path, reason: 'is no integer' }
  if (schema.const !== undefined && value !== schema.const) {
    return { path, reason: `is not ${schema.const}` }
  }
  if ((value as number) < minimum || (value as number) > maximum) {
    return { path, reason: `is not in ${minimum} to ${maximum}` }
  }
  return undefined
}
