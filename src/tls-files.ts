/** The certificate and the key that `serve` speaks HTTPS with. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { invalidFlag } from './base-command.js'
import { readInput } from './files.js'

const READABLE_BY_OTHERS = 0o004

export interface TlsFiles {
  readonly cert: Uint8Array
  readonly key: Uint8Array
}

/**
 * A key that others may read is told and taken: secrets that an orchestrator mounts often are such
 * files, in a container that nobody else is in.
 *
 * @throws InputError `FILE_UNREADABLE`, `FLAG_INVALID`
 */
export async function openTlsFiles(
  certPath: string,
  keyPath: string,
  remark: (text: string) => void,
): Promise<TlsFiles> {
  const [cert, key] = [await readInput(certPath), await readInput(keyPath)]
  const leaf = parsed(() => new X509Certificate(cert))
  if (leaf === undefined)
    return invalidFlag('--tls-cert', `takes a PEM certificate, which ${certPath} is not`)
  const secret = parsed(() => createPrivateKey({ key: Buffer.from(key), format: 'pem' }))
  if (secret === undefined) {
    return invalidFlag('--tls-key', `takes a PEM key without a passphrase, which ${keyPath} is not`)
  }
  if (!leaf.checkPrivateKey(secret)) {
    invalidFlag('--tls-key', `is not the key of the first certificate in ${certPath}`)
  }
  const pem = { cert: Buffer.from(cert), key: Buffer.from(key) }
  if (parsed(() => createSecureContext(pem)) === undefined) {
    invalidFlag(
      '--tls-cert',
      `names a certificate or a chain that OpenSSL does not take: ${certPath}`,
    )
  }
  if (new Date(leaf.validTo) < new Date()) {
    remark(`the certificate of --tls-cert has expired (${leaf.validTo}): clients refuse it`)
  }
  const { mode } = await stat(keyPath)
  if ((mode & READABLE_BY_OTHERS) !== 0) {
    const octal = (mode & 0o777).toString(8)
    remark(`others may read the key of --tls-key (mode ${octal}); chmod 600 ${keyPath}`)
  }
  return { cert, key }
}

/** OpenSSL's reasons may quote what they are about, so they are not shown. */
function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}
