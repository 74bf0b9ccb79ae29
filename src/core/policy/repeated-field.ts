/**
 * JSON lets a field be written twice and takes the last one, where a reader may see the first. A file
 * that decides what is trusted should not have two readings; YAML refuses it by itself.
 */

/** Strings, which are fields where a colon follows, and what opens and closes a scope. */
const TOKEN = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/gs

/**
 * @param json - text that is JSON.
 * @returns a field that an object in it has twice; undefined if there is none.
 */
export function findRepeatedField(json: string): string | undefined {
  const scopes: Set<string>[] = []
  for (const [token, colon] of json.matchAll(TOKEN)) {
    if (token === '{' || token === '[') scopes.push(new Set())
    else if (token === '}' || token === ']') scopes.pop()
    else if (colon !== undefined) {
      const field: string = JSON.parse(token.slice(0, -colon.length))
      const scope = scopes.at(-1)
      if (scope?.has(field)) return field
      scope?.add(field)
    }
  }
  return undefined
}
