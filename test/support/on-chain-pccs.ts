/** An on-chain PCCS on a development chain: our stand-in for Automata's contracts, filled by us. */
import { readFileSync } from 'node:fs'
import type { Abi } from 'viem'
import { forge } from '../../scripts/forge.mjs'
import { anvilGasPayer } from '../../src/anvil.js'
import { type Hex, toHex } from '../../src/core/bytes.js'
import type { Chain } from '../../src/core/chain/client.js'
import { deployContract, writeContract } from '../../src/core/chain/write.js'
import type { CollateralDocuments } from '../../src/core/dcap/collateral.js'
import { parsePemChain } from '../../src/core/tdx/pem.js'

export interface OnChainPccsStandIn {
  readonly address: Hex
  send(functionName: string, ...args: readonly unknown[]): Promise<void>
}

export async function deployPccs(chain: Chain): Promise<OnChainPccsStandIn> {
  if (forge(['build']).status !== 0) throw new Error('forge build failed')
  const path = new URL('../../contracts/out/OnChainPccs.sol/OnChainPccs.json', import.meta.url)
  const { abi, bytecode } = JSON.parse(readFileSync(path, 'utf8')) as {
    abi: Abi
    bytecode: { object: Hex }
  }
  const gasPayer = await anvilGasPayer()
  const what = 'OnChainPccs'
  const address = await deployContract(chain, gasPayer, {
    ...{ what, abi, bytecode: bytecode.object, args: [] },
  })
  return {
    address,
    async send(functionName, ...args) {
      await writeContract(chain, gasPayer, { what, address, abi }, functionName, args)
    },
  }
}

/** Files the documents as those who keep an on-chain PCCS do; `evaluation` is the standard one. */
export async function fillPccs(
  { address, send }: OnChainPccsStandIn,
  documents: CollateralDocuments,
  { evaluation, fmspc }: { evaluation: number; fmspc: string },
): Promise<void> {
  const [signing, root] = parsePemChain(documents.tcb_info_issuer_chain).map(toHex)
  const [ca] = parsePemChain(documents.pck_crl_issuer_chain).map(toHex)
  await send('setEvaluation', evaluation, evaluation + 1)
  await send('setDaos', evaluation, address, address)
  await send('setCertificate', 0, root, `0x${documents.root_ca_crl}`)
  await send('setCertificate', 2, ca, `0x${documents.pck_crl}`)
  await send('setCertificate', 3, signing, '0x')
  const signature = (hex: string): Hex => `0x${hex}`
  await send('setTcbInfo', 1, fmspc, 3, {
    tcbInfoStr: documents.tcb_info,
    signature: signature(documents.tcb_info_signature),
  })
  await send('setEnclaveIdentity', 2, 4, {
    identityStr: documents.qe_identity,
    signature: signature(documents.qe_identity_signature),
  })
}
