/** The bucket that `--blobs` names, with the keys that every S3 tool takes from the environment. */
import { invalidFlag } from './base-command.js'
import type { S3BlobStoreOptions } from './core/server/app.js'

/** Of a store that does not care. */
const ANY_REGION = 'us-east-1'
const LOCATION = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:\/[A-Za-z0-9_=.-]+)*)\/?$/
const REGION = /^[a-z0-9-]{1,32}$/
const MAX_PREFIX = 512

type Location = Pick<
  S3BlobStoreOptions,
  'bucket' | 'prefix' | 'region' | 'endpoint' | 'credentials'
>

/** @throws InputError `FLAG_INVALID`; no error tells a key */
export function s3LocationOf(blobs: string, endpoint: string | undefined): Location {
  const [, bucket = '', path = ''] = LOCATION.exec(blobs) ?? []
  const isFolded = path.split('/').some((part) => part === '.' || part === '..')
  if (bucket === '' || bucket.includes('..') || isFolded || path.length > MAX_PREFIX) {
    return invalidFlag(
      '--blobs',
      'takes s3://BUCKET/PREFIX, the prefix of letters, digits and _ = . - /',
    )
  }
  return {
    bucket,
    prefix: path === '' ? '' : `${path.slice(1)}/`,
    region: regionOf(endpoint),
    ...(endpoint !== undefined && { endpoint: checkEndpoint(endpoint) }),
    credentials: credentialsOf(),
  }
}

function regionOf(endpoint: string | undefined): string {
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env
  const region = AWS_REGION || AWS_DEFAULT_REGION || (endpoint === undefined ? '' : ANY_REGION)
  if (REGION.test(region)) return region
  return invalidFlag('--blobs', 'needs AWS_REGION in the environment, as in eu-central-1')
}

function credentialsOf(): Location['credentials'] {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    return invalidFlag(
      '--blobs',
      'needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment',
    )
  }
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
  }
}

function checkEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  const isPlain =
    url !== undefined && `${url.username}${url.password}${url.search}${url.hash}` === ''
  if (url !== undefined && isPlain && /^https?:$/.test(url.protocol)) return endpoint
  return invalidFlag('--s3-endpoint', 'takes an http(s) URL without user and query')
}
