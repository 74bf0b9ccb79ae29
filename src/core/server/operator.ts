/** Who is the operator: whoever has the operator's key, or, where nobody has keys, whoever is on this machine. */
import type { FastifyRequest } from 'fastify'
import { UnavailableError } from '../errors.js'
import { isLoopback } from './access.js'
import { visitorOf } from './route.js'

const SIGN_OF_A_PROXY = /^(forwarded|via|x-real-ip|x-forwarded-.+)$/

/** @throws UnavailableError `OPERATOR_ONLY` */
export function requireOperator(request: FastifyRequest): void {
  if (!(visitorOf(request).isOperator ?? comesFromHere(request))) {
    throw new UnavailableError('OPERATOR_ONLY', {})
  }
}

/** By its address, and by a name that no other page can have; not by way of a proxy, which lends its own. */
function comesFromHere({ ip, hostname, headers, raw }: FastifyRequest): boolean {
  // Proxies that tell nothing of themselves often speak the old version.
  const isDirect =
    raw.httpVersion === '1.1' && !Object.keys(headers).some((name) => SIGN_OF_A_PROXY.test(name))
  return isDirect && isLoopback(ip) && isLoopback(hostname)
}
