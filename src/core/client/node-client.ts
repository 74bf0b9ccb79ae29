/** The client of Node, which computes the keys of programs itself. */
import { VkeyCache } from '../prover/vkey-cache.js'
import { type Client, type ClientOptions, createClient } from './client.js'

/**
 * A client that knows of each proof that it is of the program that was sent, whatever lies on the way. The
 * key is computed while the server works, once for each program.
 */
export function createCheckingClient(url: string, options: ClientOptions = {}): Client {
  const vkeys = new VkeyCache()
  return createClient(url, {
    vkeyOf: async (elf, sp1, signal) =>
      (await vkeys.get(elf.slice(), { sp1, ...(signal && { signal }) })).bytes32,
    ...options,
  })
}
