/** The signer, and what those ask who watch the service. */
import type { Hex } from '../bytes.js'
import type { AttestationAnswer } from './attestation.js'
import type { Context, Route } from './route.js'
import { STATUS_PAGE, STATUS_PAGE_HEADERS } from './status-page.js'

export const SERVICE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    url: '/v1/signer',
    summary: 'The live signer, and where it is registered',
    for: 'open',
    answers: {
      200: '{address, expiresAt, chainId, registry, schemes, multiProof?, workloadId?, simulated?}',
    },
    handle: ({ service: { signer, facts, offer } }) => {
      const { address, expiresAt } = signer.registration
      const { registry, simulated } = facts
      return {
        address,
        expiresAt,
        chainId: registry.chainId,
        registry: registry.address,
        schemes: offer.schemes,
        ...offer.facts,
        ...(simulated && { simulated }),
      }
    },
  },
  {
    method: 'POST',
    url: '/v1/signer/rotate',
    summary: 'Replace the signer now',
    for: 'operator',
    // A body of JSON, so that no page in a browser on this machine can send it unasked.
    body: 'json',
    schema: { body: { type: 'object', additionalProperties: false } },
    answers: { 200: '{previous, current, txHash}' },
    handle: ({ service }) => service.signer.rotate(),
  },
  {
    method: 'GET',
    url: '/v1/attestation',
    summary: 'What the live signer, or one that has signed a proof, was registered with',
    for: 'open',
    schema: {
      querystring: {
        type: 'object',
        properties: { signer: { type: 'string', pattern: '^0x[0-9a-fA-F]{40}$' } },
        additionalProperties: false,
      },
    },
    answers: {
      200: '{address, expiresAt, provider, simulated, workloadId, measurements, quote, reportData, reference, runtimeData?, collateral?, privateInputs?: {publicKey, expiresAt, chainId, registry, signature}}',
    },
    refusals: [404],
    handle: async (context, request) => {
      const { signer } = request.query as { signer?: string }
      const found = await attestation(context, signer?.toLowerCase() as Hex | undefined)
      const privateInputs = await context.service.privateInputKey(found.address)
      return { ...found, ...(privateInputs && { privateInputs }) }
    },
  },
  {
    method: 'GET',
    url: '/healthz',
    summary: 'Alive',
    for: 'open',
    answers: { 200: '{status}' },
    handle: () => ({ status: 'ok' }),
  },
  {
    method: 'GET',
    url: '/readyz',
    summary: 'Takes work: the signer is registered and does not expire, the store works',
    for: 'open',
    answers: { 200: '{status}' },
    handle: async ({ service }) => {
      await service.requireWorking()
      return { status: 'ready' }
    },
  },
  {
    method: 'GET',
    url: '/metrics',
    summary: 'For Prometheus',
    for: 'open',
    answers: { 200: 'text' },
    handle: async ({ metrics }, _request, reply) =>
      reply.type(metrics.contentType).send(await metrics.text()),
  },
  {
    method: 'GET',
    url: '/openapi.json',
    summary: 'This document',
    for: 'open',
    answers: { 200: 'OpenAPI 3.1' },
    handle: ({ openApi }) => openApi(),
  },
  {
    method: 'GET',
    url: '/status.json',
    summary: 'What the page at / shows',
    for: 'open',
    answers: { 200: 'JSON' },
    handle: (context) => status(context),
  },
  {
    method: 'GET',
    url: '/',
    summary: 'How the service is, for people',
    for: 'open',
    answers: { 200: 'HTML' },
    handle: (_context, _request, reply) => reply.headers(STATUS_PAGE_HEADERS).send(STATUS_PAGE),
  },
]

/**
 * All that a client needs to judge a signer, but what nobody should get from a server: a policy.
 *
 * @param address - the live signer's unless given; lower case.
 * @throws UnavailableError `ATTESTATION_UNKNOWN`, `SIGNER_NOT_READY`, `STORE_…`
 */
async function attestation(
  { service, collateral }: Context,
  asked?: Hex,
): Promise<AttestationAnswer> {
  const address = asked ?? service.signer.registration.address
  const { expiresAt, attestation: found } = await service.attestations.find(address)
  const documents = collateral?.documentsFor(found)
  return {
    ...{ address, expiresAt, ...found },
    ...(documents !== undefined && { collateral: { ...documents } }),
  }
}

/** No ids: who knows one may see the job, and this is shown to anybody. */
async function status({ service, store, activity, collateral, version }: Context) {
  const { registry, simulated } = service.facts
  const { facts: signer } = service.signer
  const asked = [store.counts(), store.latest(), store.isReady()] as const
  const [counts, jobs, ready] = await Promise.all(asked)
  const { attestation, ...live } = signer ?? { attestation: undefined }
  return {
    version,
    simulated,
    ready,
    signer: signer && { ...live, chainId: registry.chainId, registryAddress: registry.address },
    attestation: attestation && {
      provider: attestation.provider,
      workloadId: attestation.workloadId,
      measurements: attestation.measurements,
    },
    collateral: collateral?.trust,
    jobs: counts,
    limits: { concurrency: service.concurrency, queue: service.maxQueued },
    minutes: activity.minutes,
    recent: jobs?.map(({ state, cycles, createdAtMs, startedAtMs, endedAtMs }) => ({
      ...{ state, cycles, createdAtMs },
      ...(startedAtMs !== undefined &&
        endedAtMs !== undefined && { ranMs: endedAtMs - startedAtMs }),
    })),
  }
}
