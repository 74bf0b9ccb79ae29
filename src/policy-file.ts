/** A policy from a file, JSON or YAML: data, which is never run. */
import { CORE_SCHEMA, load } from 'js-yaml'
import { findRepeatedField, InputError, type Policy, parsePolicy } from './core/index.js'
import { readInput } from './files.js'

const MAX_POLICY_BYTES = 2 ** 20

/** @throws InputError `POLICY_MALFORMED`, `FILE_UNREADABLE` */
export async function readPolicy(path: string): Promise<Policy> {
  const bytes = await readInput(path)
  if (bytes.length > MAX_POLICY_BYTES) throw malformed('is larger than 1 MiB')
  const text = new TextDecoder().decode(bytes)
  return parsePolicy(path.endsWith('.json') ? parseJson(text) : parseYaml(text))
}

function parseJson(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw malformed('is not JSON', error)
  }
  const field = findRepeatedField(text)
  if (field !== undefined) throw malformed(`has the field ${field.slice(0, 40)} twice`)
  return value
}

function parseYaml(text: string): unknown {
  try {
    // Without the types of YAML 1.1: a date stays the text that the schema of policies wants.
    return load(text, { schema: CORE_SCHEMA })
  } catch (error) {
    throw malformed('is neither YAML nor JSON', error)
  }
}

function malformed(reason: string, cause?: unknown) {
  return new InputError('POLICY_MALFORMED', { path: '', reason }, cause)
}
