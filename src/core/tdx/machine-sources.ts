/** The quote sources of the machine we run on, in order of preference: kernel, clock and entropy. */
import { randomBytes, randomUUID } from 'node:crypto'
import { pause } from '../pause.js'
import { createAzureSource } from './azure-provider.js'
import { KERNEL_TSM_FILES } from './configfs-files.js'
import { createConfigfsSource } from './configfs-provider.js'
import type { ProviderSource } from './provider.js'
import { LOCAL_QUOTE_SERVICE } from './quote-service.js'
import { createDstackSource, createHttpSource } from './service-providers.js'
import { createSimulatedSource } from './simulated-provider.js'
import type { SimulatedSwitch } from './simulated-switches.js'
import { runTpmTool } from './tpm-tools.js'

export interface MachineSourcesOptions {
  /** Where the simulated authority is kept; nothing is written before it is opened. */
  readonly stateDir: string
  /** For what went wrong and did not matter. */
  readonly warn: (message: string) => void
  /**
   * Of provider http, its URL; of azure and dstack, the address of the metadata service and the
   * socket in place of the usual ones.
   */
  readonly providerUrl?: string
  /** What is wrong with the simulated platform. */
  readonly simulate?: readonly SimulatedSwitch[]
}

export function createMachineSources({
  stateDir,
  warn,
  providerUrl,
  simulate: switches = [],
}: MachineSourcesOptions): ProviderSource[] {
  const service = LOCAL_QUOTE_SERVICE
  const isSocket = providerUrl?.startsWith('/')
  const url = isSocket ? undefined : providerUrl
  return [
    createConfigfsSource({ files: KERNEL_TSM_FILES, uniqueName: randomUUID, sleep: pause, warn }),
    createDstackSource({ service, ...(isSocket && { socket: String(providerUrl) }) }),
    createAzureSource({
      ...{ runTool: runTpmTool, service, sleep: pause },
      ...(url !== undefined && { imdsUrl: url }),
    }),
    createHttpSource({ service, ...(url !== undefined && { url }) }),
    createSimulatedSource({ stateDir, entropy: randomBytes, now: () => new Date(), switches }),
  ]
}
