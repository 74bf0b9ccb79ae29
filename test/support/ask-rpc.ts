/** A question to an RPC without any library in between. */
type Json = ReturnType<typeof JSON.parse>

export async function askRpc(
  rpcUrl: string,
  method: string,
  params: readonly unknown[] = [],
): Promise<Json> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(rpcUrl, { method: 'POST', headers, body })
  const { result, error } = (await response.json()) as Json
  if (error !== undefined) throw new Error(`${method}: ${error.message}`)
  return result
}
