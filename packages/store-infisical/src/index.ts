export type { InfisicalEvent, InfisicalEventListener } from './events.js'
export { type InfisicalTokenStore, infisicalTokenStore } from './infisical-token-store.js'
export type { InfisicalAuth, InfisicalSeal, InfisicalTokenStoreOptions } from './options.js'
export { type InfisicalSecretPlace, infisicalSecretFor } from './secret-names.js'
