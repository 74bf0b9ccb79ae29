/** An RPC in front of another one that fails or lies as a test tells it to. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

type Json = ReturnType<typeof JSON.parse>

/** The request arrives, and its connection is cut before the answer. */
export const CUT = Symbol('cut')

export interface RpcProxy {
  readonly url: string
  /** Changes the answer to a request; undefined leaves it, an Error becomes the RPC's, CUT gives none. */
  tamper: (method: string, result: Json, params: Json) => Json | undefined
  /** True: the request does not reach the chain, and its connection is cut. */
  swallow: (method: string, params: Json) => boolean
  stop(): Promise<void>
}

export async function startRpcProxy(target: string): Promise<RpcProxy> {
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const headers = { 'content-type': 'application/json' }
    const { method, params } = JSON.parse(body.toString())
    if (proxy.swallow(method, params)) {
      response.destroy()
      return
    }
    const answer = await (await fetch(target, { method: 'POST', headers, body })).json()
    const changed = proxy.tamper(method, (answer as Json).result, params)
    const { jsonrpc, id } = answer as Json
    if (changed === CUT) {
      response.destroy()
      return
    }
    if (changed instanceof Error) {
      const error = { code: -32_000, message: changed.message }
      response.writeHead(200, headers).end(JSON.stringify({ jsonrpc, id, error }))
    } else {
      const told = changed === undefined ? answer : { jsonrpc, id, result: changed }
      response.writeHead(200, headers).end(JSON.stringify(told))
    }
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const proxy: RpcProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tamper: () => undefined,
    swallow: () => false,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy
}
