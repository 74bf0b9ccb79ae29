/**
 * The contracts as typed objects of viem, over the interfaces that are generated from their compiled
 * code: `contracts.registry.read.proverRecord([prover])`.
 */
import type { GetContractReturnType, PublicClient } from 'viem'
import type { Hex } from '../bytes.js'
import { measurementPolicyAbi, multiProofAbi, teeProverRegistryAbi } from './abi.js'
import type { Chain } from './client.js'

export interface Contracts {
  readonly registry: GetContractReturnType<typeof teeProverRegistryAbi, PublicClient, Hex>
  readonly policy: GetContractReturnType<typeof measurementPolicyAbi, PublicClient, Hex>
  readonly multiProof: GetContractReturnType<typeof multiProofAbi, PublicClient, Hex>
}

export interface ContractAddresses {
  readonly registry: Hex
  readonly policy: Hex
  readonly multiProof: Hex
}

/** @param addresses - as `deployContracts` gives them. */
export function bindContracts({ viem, client }: Chain, addresses: ContractAddresses): Contracts {
  const { registry, policy, multiProof } = addresses
  return {
    registry: viem.getContract({ abi: teeProverRegistryAbi, address: registry, client }),
    policy: viem.getContract({ abi: measurementPolicyAbi, address: policy, client }),
    multiProof: viem.getContract({ abi: multiProofAbi, address: multiProof, client }),
  }
}
