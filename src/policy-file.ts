/** A policy from a file, JSON or YAML: data, which is never run. */
import { defaultLoaders } from 'cosmiconfig'
import { findRepeatedField, InputError, type Policy, parsePolicy } from './core/index.js'
import { readInput } from './files.js'

const MAX_POLICY_BYTES = 2 ** 20

/** @throws InputError `POLICY_MALFORMED`, `FILE_UNREADABLE` */
export async function readPolicy(path: string): Promise<Policy> {
  const bytes = await readInput(path)
  if (bytes.length > MAX_POLICY_BYTES) throw malformed('is larger than 1 MiB')
  return parsePolicy(parse(path, new TextDecoder().decode(bytes)))
}

function parse(path: string, text: string): unknown {
  const ending = path.endsWith('.json') ? '.json' : '.yaml'
  try {
    const value = defaultLoaders[ending](path, text)
    const field = ending === '.json' ? findRepeatedField(text) : undefined
    if (field !== undefined) throw malformed(`has the field ${field.slice(0, 40)} twice`)
    return value
  } catch (error) {
    if (error instanceof InputError) throw error
    throw malformed(ending === '.json' ? 'is not JSON' : 'is neither YAML nor JSON', error)
  }
}

function malformed(reason: string, cause?: unknown) {
  return new InputError('POLICY_MALFORMED', { path: '', reason }, cause)
}
