/** How commands name a server that does the work for them. */
import { Flags } from '@oclif/core'
import { invalidFlag } from './base-command.js'
import { type Client, createClient, type TrustOptions } from './core/index.js'

export const serverFlags = {
  url: Flags.string({
    description: 'a server (`sp1-tee serve`) that does it instead of this machine',
    env: 'SP1_TEE_URL',
  }),
  'api-key': Flags.string({
    description: 'key that the server knows; by the environment, other users do not see it',
    helpValue: 'KEY',
    env: 'SP1_TEE_API_KEY',
    noCacheDefault: true,
  }),
}

/** The server the flags name; undefined if it is to be done here. */
export function openClient(
  {
    url,
    'api-key': apiKey,
  }: {
    readonly url?: string | undefined
    readonly 'api-key'?: string | undefined
  },
  trust?: TrustOptions,
): Client | undefined {
  if (url === undefined) return undefined
  const protocol = URL.canParse(url) ? new URL(url).protocol : ''
  if (!/^https?:$/.test(protocol)) invalidFlag('--url', 'takes an http or https URL')
  return createClient(url, { ...trust, ...(apiKey !== undefined && { apiKey }) })
}
