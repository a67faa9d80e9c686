/* What a server of ours is made of, compiled from the sources to run on the storage of the tests. */
export { assembleAuthorizationServer } from '../../packages/authorization-server/src/engine/assemble.ts'
export { createParts } from '../../packages/authorization-server/src/engine/create-parts.ts'
export { devLogin } from '../../packages/authorization-server/src/login/dev-login.ts'
export { parseAuthorizationServerOptions } from '../../packages/authorization-server/src/options.ts'
export { createMemoryStorage } from '../../packages/authorization-server/test/engine/support/memory-storage.ts'
