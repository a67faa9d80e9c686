export { createEnvelopeCodec, type EnvelopeCodecOptions } from './envelope/codec.js'
export { type CredentialPlace, credentialContext } from './envelope/credential-context.js'
export {
  formatCredential,
  parseCredential,
  restoreCredential,
} from './envelope/credential-plaintext.js'
export {
  type EncryptionKey,
  generateEncryptionKey,
  parseEncryptionKeys,
} from './envelope/encryption-keys.js'
export type { Envelope, EnvelopeCodec, EnvelopeContext } from './envelope/envelope.js'
export { formatEnvelope, parseEnvelope } from './envelope/envelope-bytes.js'
export type { KeyProvider, WrappedKey } from './envelope/key-provider.js'
export { type LocalKeyProviderOptions, localKeyProvider } from './envelope/local-key-provider.js'
