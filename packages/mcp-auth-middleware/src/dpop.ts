export { type DpopOptions, dpop } from './dpop/dpop.js'
export {
  type ExpectedProof,
  type ProofAlgorithm,
  type VerifiedProof,
  verifyDpopProof,
} from './dpop/verify-proof.js'
export type { ProofOfPossession } from './resource-server/proof-of-possession.js'
