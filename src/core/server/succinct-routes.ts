/** The interface of succinctlabs' TEE prover, which sp1-sdk speaks. */
import type { FastifyRequest } from 'fastify'
import { toHex } from '../bytes.js'
import { Sp1TeeError } from '../errors.js'
import { recoverAddress } from '../signer/signer.js'
import { hashMessage } from './access.js'
import { problemOf } from './problem.js'
import { bodyBytes, type Context, callerOf, type Route, setVisitor } from './route.js'
import type { Service } from './service.js'
import {
  encodeTeeError,
  encodeTeeSigners,
  encodeTeeSuccess,
  parseTeeRequest,
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
    for: 'client',
    isSigned: true,
    body: 'binary',
    schema: { headers: VERSION_HEADERS },
    answers: { 200: 'text/event-stream with one event' },
    refusals: [409],
    handle: async (context, request, reply) => {
      const { access } = context
      if (request.headers.authorization === undefined && access.hasAddresses) {
        const { id, signature } = parseTeeRequest(bodyBytes(request))
        setVisitor(request, access.admit(recoverAddress(hashMessage(id), signature)))
      }
      const payload = await execute(context, request)
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
function execute({ service, bodies }: Context, request: FastifyRequest): Promise<Uint8Array> {
  return service.waiting(callerOf(request), async () => {
    const id = await submit(service, request)
    // In the store now, and a guest may run for long.
    bodies.release(request)
    try {
      const { proof, problem } = await service.wait(id)
      if (proof === undefined) return encodeTeeError(String(problem.detail))
      return encodeTeeSuccess(proof.vkey, proof.publicValues, proof.signature)
    } catch (error) {
      if (!(error instanceof Sp1TeeError)) throw error
      return encodeTeeError(problemOf(error).detail)
    }
  })
}

async function submit(service: Service, request: FastifyRequest): Promise<string> {
  const { program, stdin, cycleLimit } = parseTeeRequest(bodyBytes(request))
  const version = request.headers['x-sp1-tee-version']
  const teeVersion = version === undefined ? DEFAULT_TEE_VERSION : Number(version)
  const options = { scheme: 'succinct', teeVersion, limits: { cycles: cycleLimit } } as const
  const { id } = await service.submit(program, stdin, options, callerOf(request))
  return id
}
