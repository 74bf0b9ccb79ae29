/** The client of Node, which computes the keys of programs itself. */
import { checkElf } from '../prover/elf-vkey.js'
import { VkeyCache } from '../prover/vkey-cache.js'
import { type Client, type ClientOptions, createClient } from './client.js'

/**
 * A client that knows of each proof that it is of the program that was sent, whatever lies on the way. The
 * key is computed while the server works, once for each program.
 */
export function createCheckingClient(url: string, options: ClientOptions = {}): Client {
  const vkeys = new VkeyCache()
  return createClient(url, {
    vkeyOf: async (elf, asked, signal) => {
      const program = elf.slice()
      // By its name, so that it is computed once whether or not the release was asked for.
      const sp1 = checkElf(program, { sp1: asked })
      return (await vkeys.get(program, { sp1, ...(signal && { signal }) })).bytes32
    },
    ...options,
  })
}
