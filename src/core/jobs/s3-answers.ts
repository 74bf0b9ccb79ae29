/** What S3 says in XML, as far as it is asked; in sentences without keys, tokens or addresses. */

export interface S3Object {
  readonly name: string
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly writtenAtMs: number
}

export interface Listing {
  readonly objects: readonly S3Object[]
  /** Of the next page, if there is one. */
  readonly next: string | undefined
}

/** Names are without the prefix. What is no object with a size and a time is left out. */
export function parseListing(xml: string, prefix: string): Listing {
  const objects: S3Object[] = []
  for (const [, entry = ''] of xml.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)) {
    const key = fieldOf(entry, 'Key') ?? ''
    if (!key.startsWith(prefix)) continue
    const bytes = Number(fieldOf(entry, 'Size'))
    const writtenAtMs = Date.parse(fieldOf(entry, 'LastModified') ?? '')
    if (!Number.isSafeInteger(bytes) || bytes < 0 || Number.isNaN(writtenAtMs)) continue
    objects.push({ name: key.slice(prefix.length), bytes, writtenAtMs })
  }
  return { objects, next: fieldOf(xml, 'NextContinuationToken') }
}

const REASONS: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: 'S3 does not know the key AWS_ACCESS_KEY_ID',
  SignatureDoesNotMatch: 'AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID',
  InvalidToken: 'S3 does not take AWS_SESSION_TOKEN',
  ExpiredToken: 'AWS_SESSION_TOKEN has expired',
  AccessDenied:
    'S3 refuses access; the key needs s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject',
  NoSuchBucket: 'S3 has no bucket of that name',
  RequestTimeTooSkewed: 'the clock of this machine is wrong',
  QuotaExceeded: 'the quota of the bucket is used up',
  XMinioStorageFull: 'the disks of S3 are full',
}

export function reasonOfRefusal(
  status: number,
  xml: string,
  bucketRegion: string | undefined,
): { readonly reason: string; readonly code: string | undefined } {
  const code = wordOf(fieldOf(xml, 'Code'))
  const region = wordOf(fieldOf(xml, 'Region') ?? bucketRegion)
  const isElsewhere = status >= 300 && status < 400
  if (isElsewhere || code === 'AuthorizationHeaderMalformed') {
    const hint = region === undefined ? '' : `, perhaps to ${region}`
    return { reason: `the bucket is in another region; set AWS_REGION${hint}`, code }
  }
  const known = code === undefined ? undefined : REASONS[code]
  if (known !== undefined) return { reason: known, code }
  if (status === 403) return { reason: REASONS.AccessDenied ?? '', code }
  return { reason: `S3 answers ${status}${code === undefined ? '' : ` ${code}`}`, code }
}

/** @param error - of a socket; undefined: time ran out */
export function reasonOfSilence(error: unknown): string {
  if (error === undefined) return 'S3 does not answer in time'
  const { code } = error as { code?: string }
  return `S3 does not answer (${wordOf(code) ?? 'the connection broke'})`
}

function fieldOf(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
}

/** What may be shown. */
function wordOf(text: string | undefined): string | undefined {
  return text !== undefined && /^[\w-]{1,64}$/.test(text) ? text : undefined
}
