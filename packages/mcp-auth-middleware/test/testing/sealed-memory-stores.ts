import { createEnvelopeCodec } from '../../src/envelope/codec.js'
import { credentialContext } from '../../src/envelope/credential-context.js'
import { formatCredential, parseCredential } from '../../src/envelope/credential-plaintext.js'
import type { Envelope, EnvelopeCodec, EnvelopeContext } from '../../src/envelope/envelope.js'
import { localKeyProvider } from '../../src/envelope/local-key-provider.js'
import type { SealedStoreContractContext } from '../../src/testing/sealed-store-contract.js'
import { createCredential } from '../../src/token-store/credential.js'
import { credentialKeyId } from '../../src/token-store/credential-key.js'
import type {
  CredentialInput,
  CredentialKey,
  TokenStore,
} from '../../src/token-store/token-store.js'
import { createVersion } from '../../src/token-store/version.js'

/** One record in the fields that a row has. `null` and any length can be stored. */
export type MemoryRecord = {
  readonly key: CredentialKey
  fields: Record<string, Uint8Array | null>
}

/** What a broken store does otherwise. */
export interface Faults {
  context?(place: Parameters<typeof credentialContext>[0]): EnvelopeContext
  open?(codec: EnvelopeCodec, context: EnvelopeContext, envelope: Envelope): Promise<Uint8Array>
  seal?(codec: EnvelopeCodec, context: EnvelopeContext, input: CredentialInput): Promise<Envelope>
  extraFields?(input: CredentialInput): Record<string, Uint8Array>
  onDamage?(records: Map<string, MemoryRecord>, id: string, error: unknown): undefined
  rotate?(records: Map<string, MemoryRecord>, store: TokenStore): Promise<void>
}

interface Backend {
  readonly namespaces: Map<string, Map<string, MemoryRecord>>
}

function text(bytes: Uint8Array | null | undefined): string {
  return bytes ? Buffer.from(bytes).toString('latin1') : ''
}

function openStore(
  records: Map<string, MemoryRecord>,
  namespace: string,
  codec: EnvelopeCodec,
  faults: Faults,
): TokenStore {
  const contextOf = faults.context ?? credentialContext

  async function write(key: CredentialKey, input: CredentialInput): Promise<string> {
    const version = createVersion()
    const context = contextOf({ store: 'memory', namespace, key, version })
    const { wrappedKey, payload } = await (faults.seal
      ? faults.seal(codec, context, input)
      : codec.seal(context, formatCredential(input)))
    const fields = {
      version: Buffer.from(version),
      key_id: Buffer.from(wrappedKey.keyId, 'hex'),
      wrapped_key: wrappedKey.bytes,
      payload,
      ...faults.extraFields?.(input),
    }
    records.set(credentialKeyId(key), { key, fields })
    return version
  }

  async function read(key: CredentialKey, { fields }: MemoryRecord) {
    const version = text(fields.version)
    const envelope = {
      wrappedKey: {
        keyId: fields.key_id ? Buffer.from(fields.key_id).toString('hex') : '',
        bytes: fields.wrapped_key as Uint8Array,
      },
      payload: fields.payload as Uint8Array,
    }
    const context = contextOf({ store: 'memory', namespace, key, version })
    const plaintext = await (faults.open
      ? faults.open(codec, context, envelope)
      : codec.open(context, envelope))
    return createCredential(parseCredential(plaintext), {
      version: version || 'none',
      updatedAt: 1,
    })
  }

  return {
    name: 'memory',
    capabilities: { write: true, compareAndSet: false, lease: false, tombstone: false },
    async get(key) {
      const record = records.get(credentialKeyId(key))
      if (record === undefined) return undefined
      try {
        return await read(key, record)
      } catch (error) {
        if (faults.onDamage === undefined) throw error
        return faults.onDamage(records, credentialKeyId(key), error)
      }
    },
    async set(key, input) {
      const version = await write(key, input)
      return createCredential(input, { version, updatedAt: 1 })
    },
    delete: async (key) => records.delete(credentialKeyId(key)),
    async *keys() {
      for (const { key } of [...records.values()]) yield key
    },
    check: async () => {},
    close: async () => {},
  }
}

/** Stores over the envelope codec in memory, sound unless something is given that they do otherwise. */
export function sealedMemoryStores(faults: Faults = {}): SealedStoreContractContext {
  const backends = new WeakMap<TokenStore, { backend: Backend; namespace: string }>()

  function recordsOf(store: TokenStore): Map<string, MemoryRecord> {
    const { backend, namespace } = backends.get(store) ?? {}
    return backend?.namespaces.get(namespace ?? '') ?? new Map()
  }

  return {
    async create(seed, { keys, beside, namespace }) {
      const known = beside && backends.get(beside)
      const backend = known?.backend ?? { namespaces: new Map() }
      const name = namespace ?? known?.namespace ?? 'default'
      const records = backend.namespaces.get(name) ?? new Map<string, MemoryRecord>()
      backend.namespaces.set(name, records)
      const keyProvider = localKeyProvider({ keys: keys.join(',') })
      const store = openStore(records, name, createEnvelopeCodec({ keyProvider }), faults)
      backends.set(store, { backend, namespace: name })
      for (const [key, input] of seed) await store.set(key, input)
      return store
    },
    destroy: (store) => store.close(),
    async dump(store) {
      const parts: Uint8Array[] = []
      for (const { fields } of recordsOf(store).values()) {
        for (const each of Object.values(fields)) if (each !== null) parts.push(each, Buffer.of(0))
      }
      return Buffer.concat(parts)
    },
    async records(store) {
      const records = recordsOf(store)
      return [...records.entries()].map(([id, { key }]) => ({
        key,
        read: async () => ({ ...records.get(id)?.fields }),
        async write(changed) {
          const record = records.get(id)
          if (record !== undefined) record.fields = { ...record.fields, ...changed }
          else records.set(id, { key, fields: { ...changed } })
          return true
        },
      }))
    },
    parts: () => ({
      keyId: { field: 'key_id', offset: 0, length: 8 },
      ivs: [
        { field: 'wrapped_key', offset: 1, length: 12 },
        { field: 'payload', offset: 1, length: 12 },
      ],
    }),
    ...(faults.rotate && {
      rotate: (store: TokenStore) => faults.rotate?.(recordsOf(store), store) ?? Promise.resolve(),
    }),
  }
}
