/**
 * A server on this machine that behaves as Intel's PCS does: paths, headers with URL-encoded chains,
 * the errors that it gives, and the ways in which a network fails.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CollateralDocuments } from '../../src/core/dcap/collateral.js'

export type Mishap =
  | 'none'
  /** Says 404 to every FMSPC. */
  | 'unknown platform'
  /** 429 with Retry-After, for the first requests of each path. */
  | 'busy at first'
  | 'busy always'
  | 'broken at first'
  /** Answers nothing. */
  | 'silent'
  /** Ends the connection in the middle of a body. */
  | 'truncated'
  | 'endless'
  | 'no chain'
  | 'chain not encoded'
  | 'not signed'
  | 'other document'
  | 'empty CRL'
  | 'CRL of garbage'
  | 'redirect'

export interface PcsOptions {
  /** A cache gives its root CRL as hex, and headers of the third version. */
  readonly style?: 'pcs' | 'pccs'
  readonly retryAfterSeconds?: number
}

export interface Pcs {
  readonly url: string
  mishap: Mishap
  /** Paths with their queries, in the order in which they came. */
  readonly requests: string[]
  close(): Promise<void>
}

export async function startPcs(
  documents: CollateralDocuments,
  { style = 'pcs', retryAfterSeconds = 0 }: PcsOptions = {},
): Promise<Pcs> {
  const requests: string[] = []
  const counts = new Map<string, number>()
  const server = createServer((request, response) => {
    const path = String(request.url)
    requests.push(path)
    counts.set(path, (counts.get(path) ?? 0) + 1)
    answer(request, response, counts.get(path) ?? 0)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  const pcs: Pcs = {
    url: `http://127.0.0.1:${port}`,
    mishap: 'none',
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
  const infoHeader = style === 'pcs' ? 'TCB-Info-Issuer-Chain' : 'SGX-TCB-Info-Issuer-Chain'

  function answer(request: IncomingMessage, response: ServerResponse, count: number): void {
    const { mishap } = pcs
    const { pathname } = new URL(String(request.url), pcs.url)
    if (mishap === 'silent') return
    if (mishap === 'redirect') {
      end(response, 302, {}, '')
      return
    }
    if (mishap === 'busy always' || (mishap === 'busy at first' && count < 3)) {
      end(response, 429, { 'Retry-After': String(retryAfterSeconds) }, '')
      return
    }
    if (mishap === 'broken at first' && count < 3) {
      end(response, 503, {}, '')
      return
    }
    if (pathname.endsWith('/tcb')) {
      if (mishap === 'unknown platform') {
        end(response, 404, {}, '')
        return
      }
      const name = mishap === 'other document' ? 'enclaveIdentity' : 'tcbInfo'
      const chain = documents.tcb_info_issuer_chain
      const body = signed(name, documents.tcb_info, documents.tcb_info_signature)
      send(response, { [infoHeader]: chain }, body)
      return
    }
    if (pathname.endsWith('/qe/identity')) {
      const chain = documents.qe_identity_issuer_chain
      const body = signed('enclaveIdentity', documents.qe_identity, documents.qe_identity_signature)
      send(response, { 'SGX-Enclave-Identity-Issuer-Chain': chain }, body)
      return
    }
    if (pathname.endsWith('/pckcrl')) {
      const chain = documents.pck_crl_issuer_chain
      send(response, { 'SGX-PCK-CRL-Issuer-Chain': chain }, crl(documents.pck_crl))
      return
    }
    if (pathname.endsWith('/rootcacrl')) {
      const { root_ca_crl } = documents
      send(response, {}, style === 'pccs' ? Buffer.from(root_ca_crl) : crl(root_ca_crl))
      return
    }
    end(response, 404, {}, '')
    return
  }

  function signed(name: string, text: string, signature: string): Buffer {
    if (pcs.mishap === 'not signed') return Buffer.from(`{"${name}":${text}}`)
    return Buffer.from(`{"${name}":${text},"signature":"${signature}"}`)
  }

  function crl(hex: string): Buffer {
    if (pcs.mishap === 'empty CRL') return Buffer.alloc(0)
    if (pcs.mishap === 'CRL of garbage') return Buffer.from('<html>')
    return Buffer.from(hex, 'hex')
  }

  function send(response: ServerResponse, chains: Record<string, string>, body: Buffer): void {
    const entries = Object.entries(chains).map(([name, chain]) => [
      name,
      pcs.mishap === 'chain not encoded' ? '%zz' : encodeURIComponent(chain),
    ])
    const headers = pcs.mishap === 'no chain' ? {} : Object.fromEntries(entries)
    if (pcs.mishap === 'truncated') {
      response.writeHead(200, { ...headers, 'Content-Length': String(body.length) })
      response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy())
    } else if (pcs.mishap === 'endless') {
      response.writeHead(200, headers)
      const chunk = Buffer.alloc(2 ** 20, 0x20)
      const more = () => {
        if (!response.destroyed) response.write(chunk, () => setImmediate(more))
      }
      more()
    } else end(response, 200, headers, body)
  }
  return pcs
}

function end(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body: Buffer | string,
): void {
  const location = status === 302 ? { Location: 'http://127.0.0.1:1/' } : {}
  response.writeHead(status, { ...headers, ...location, 'Request-ID': 'test' })
  response.end(body)
}
