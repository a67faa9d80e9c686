export { type DpopOptions, dpop } from './dpop/dpop.js'
export type { ProofAlgorithm } from './dpop/verify-proof.js'
export type { ProofOfPossession } from './resource-server/proof-of-possession.js'
