/** What the module exports: a function for each precompile, named after it, and `init`. */
export { init } from './guest'
export { edAdd, edDecompress } from './edwards'
export {
  bls12381Fp2Add, bls12381Fp2Mul, bls12381Fp2Sub, bls12381FpAdd, bls12381FpMul, bls12381FpSub,
  bn254Fp2Add, bn254Fp2Mul, bn254Fp2Sub, bn254FpAdd, bn254FpMul, bn254FpSub,
} from './fp'
export { keccakPermute } from './keccak256'
export { shaCompress, shaExtend } from './sha256'
export { u256xU2048Mul, uint256Mul } from './uint256'
export {
  bls12381Add, bls12381Decompress, bls12381Double, bn254Add, bn254Double,
  secp256k1Add, secp256k1Decompress, secp256k1Double,
  secp256r1Add, secp256r1Decompress, secp256r1Double,
} from './weierstrass'
