/** The interface of succinctlabs' TEE prover, which sp1-sdk speaks. */
import { toHex } from '../bytes.js'
import { Sp1TeeError } from '../errors.js'
import { recoverAddress } from '../signer/signer.js'
import { hashMessage } from './access.js'
import { problemOf } from './problem.js'
import { bodyBytes, callerOf, type Route } from './route.js'
import type { Service } from './service.js'
import type { Caller } from './service-options.js'
import {
  encodeTeeError,
  encodeTeeSigners,
  encodeTeeSuccess,
  parseTeeRequest,
  type TeeRequest,
} from './tee-request.js'

/** The version that sp1-sdk 6 writes into its messages, where the request names none. */
const DEFAULT_TEE_VERSION = 2
const VERSION_HEADERS = {
  type: 'object',
  properties: { 'x-sp1-tee-version': { type: 'string', pattern: '^(0|[1-9]\\d{0,8})$' } },
}

export const SUCCINCT_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    url: '/execute',
    summary: 'Execute and sign: bincode TEERequest → one server-sent event, hex of bincode',
    // Who may is decided by the signature in the request, if addresses are listed.
    for: 'open',
    body: 'binary',
    schema: { headers: VERSION_HEADERS },
    answers: { 200: 'text/event-stream with one event' },
    refusals: [401, 409],
    handle: async ({ service, access }, request, reply) => {
      const asked = parseTeeRequest(bodyBytes(request))
      const visitor = access.hasAddresses
        ? access.admit(recoverAddress(hashMessage(asked.id), asked.signature))
        : access.identify(request.headers.authorization, request.host)
      const version = request.headers['x-sp1-tee-version']
      const teeVersion = version === undefined ? DEFAULT_TEE_VERSION : Number(version)
      const caller = { ...callerOf(request), tenant: visitor.tenant }
      const payload = await execute(service, asked, teeVersion, caller)
      return reply.type('text/event-stream').send(`data: ${toHex(payload).slice(2)}\n\n`)
    },
  },
  {
    method: 'GET',
    url: '/address',
    summary: "The signer's address",
    for: 'open',
    answers: { 200: '{address}' },
    handle: ({ service }) => ({ address: service.signer.registration.address }),
  },
  {
    method: 'GET',
    url: '/signers',
    summary: 'The addresses that sign here, in bincode',
    for: 'open',
    answers: { 200: 'bincode Vec<Address>' },
    handle: ({ service }, _request, reply) => {
      const { address } = service.signer.registration
      return reply.type('application/octet-stream').send(encodeTeeSigners([address]))
    },
  },
]

/** A guest that fails is told in the event; what is wrong with the request itself is an HTTP error. */
async function execute(
  service: Service,
  { program, stdin, cycleLimit }: TeeRequest,
  teeVersion: number,
  caller: Caller,
): Promise<Uint8Array> {
  const options = { scheme: 'succinct', teeVersion, limits: { cycles: cycleLimit } } as const
  const { id } = await service.submit(program, stdin, options, caller)
  try {
    const { proof, problem } = await service.wait(id)
    if (proof === undefined) return encodeTeeError(String(problem.detail))
    return encodeTeeSuccess(proof.vkey, proof.publicValues, proof.signature)
  } catch (error) {
    if (!(error instanceof Sp1TeeError)) throw error
    return encodeTeeError(problemOf(error).detail)
  }
}
