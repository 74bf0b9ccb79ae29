/**
 * Asks the server of this container whether it lives, where its settings say that it listens:
 * SP1_TEE_LISTEN, and SP1_TEE_TLS_CERT if it speaks HTTPS.
 */
import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'

const { SP1_TEE_LISTEN = '127.0.0.1:3000', SP1_TEE_TLS_CERT } = process.env
// Who listens on every address listens on this one.
const address = SP1_TEE_LISTEN.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')
const [scheme, get] = SP1_TEE_TLS_CERT ? ['https', getHttps] : ['http', getHttp]
process.exitCode = 1
// The certificate is for the names that clients use.
get(`${scheme}://${address}/healthz`, { rejectUnauthorized: false }, (answer) => {
  answer.resume()
  process.exitCode = answer.statusCode === 200 ? 0 : 1
}).on('error', () => {})
