export { envTokenStore } from './env-token-store.js'
export type { EnvNaming, EnvTokenStoreOptions, EnvUser, ReadSecretFile } from './options.js'
export { envVariableFor } from './variable-names.js'
