export {
  type AssertRefusesFaultyTokensOptions,
  assertRefusesFaultyTokens,
} from './assert-protected.js'
export type { JsonMembers, SigningAlgorithm } from './issuer/compact-jws.js'
export { RESPONSE_MODES, type ResponseMode } from './issuer/outages.js'
export type { CountedEndpoint, RequestHandler, SwitchableEndpoint } from './issuer/router.js'
export type { TestIssuerKeys } from './issuer/signing-keys.js'
export type { TestIssuerClient, TestIssuerOptions } from './issuer-options.js'
export {
  type MigrationContractCase,
  type MigrationContractContext,
  migrationContract,
  type StorePair,
} from './migration-contract.js'
export {
  type SealedFields,
  type SealedPart,
  type SealedParts,
  type SealedRecord,
  type SealedStoreContractCase,
  type SealedStoreContractContext,
  type SealedStoreOptions,
  sealedStoreContract,
} from './sealed-store-contract.js'
export { createTestIssuer, type TestIssuer } from './test-issuer.js'
export {
  FAULT_STATUS,
  type FaultOutcome,
  TOKEN_FAULTS,
  type TokenFault,
  type TokenFaultDescription,
  type TokenFaultRecord,
} from './token-faults.js'
export {
  type OptionalCredentialMember,
  type TokenStoreContractCase,
  type TokenStoreContractContext,
  type TokenStoreSeed,
  tokenStoreContract,
} from './token-store-contract.js'
