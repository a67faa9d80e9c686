import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import {
  createDatabase,
  exportDatabase,
  importDatabase,
  keyStatus,
  rotateKeys,
  verifyRecords,
} from '@bestviable/mcp-auth-store-postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createStorage } from '../../src/storage/create-storage.js'
import type { SigningKey, Storage } from '../../src/storage/storage.js'
import {
  type Backend,
  codecOf,
  engineSetups,
  failureOf,
  newId,
  openBackend,
  START_MILLISECONDS,
} from './support.js'

const USER = '7c0de5aa-0000-4000-8000-000000000001'
const KINDS = [
  'AuthorizationCode',
  'AccessToken',
  'RefreshToken',
  'Grant',
  'Session',
  'Interaction',
  'PushedAuthorizationRequest',
  'ReplayDetection',
  'ClientCredentials',
  'DeviceCode',
]
const SIGNING_KEY: SigningKey = {
  kid: 'kid-1',
  algorithm: 'ES256',
  state: 'active',
  jwk: { kty: 'EC', d: 'canary-private-scalar' },
  createdAt: 1_800_000_000,
  signsFrom: 1_800_000_000,
}
const CANARIES = [
  'canary-client-secret',
  'canary-private-scalar',
  'canary-nonce',
  'canary-state',
  'canary-uid',
  'canary-user-code',
  'canary-grant',
  'canary-response',
]

/** Every text form in which a value could stand in a dump. */
function formsOf(value: string): string[] {
  const bytes = Buffer.from(value)
  const forms = [value, bytes.toString('hex'), encodeURIComponent(value)]
  // Base64 of the value inside something else begins at one of three places.
  for (const shift of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(shift), bytes])
    forms.push(padded.toString('base64').slice(4, -4), padded.toString('base64url').slice(4, -4))
  }
  // What an id in base64url decodes to.
  if (/^[\w-]{43}$/.test(value)) forms.push(Buffer.from(value, 'base64url').toString('hex'))
  return forms
}

describe.each(engineSetups)('what the database shows on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? engine.name, () => {
    let backend: Backend

    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
    }, START_MILLISECONDS)
    beforeEach(() => backend.empty())
    afterAll(() => backend?.end())

    /** Writes one record of every kind, and returns the ids. */
    async function fill(storage: Storage): Promise<Map<string, string>> {
      const ids = new Map(KINDS.map((kind) => [kind, newId()]))
      for (const [kind, id] of ids) {
        const payload = {
          jti: id,
          kind,
          clientId: 'client-1',
          accountId: USER,
          grantId: 'canary-grant',
          uid: kind === 'Session' ? 'canary-uid' : id,
          userCode: kind === 'DeviceCode' ? 'canary-user-code' : undefined,
          nonce: 'canary-nonce',
          returnTo: `https://as.example/oauth/authorize/${id}`,
          params: { state: 'canary-state' },
          extra: { response: 'canary-response' },
        }
        await storage.records(kind).upsert(id, payload, 3600)
      }
      await storage.records('RefreshToken').consume(ids.get('RefreshToken') ?? '')
      const client = { client_id: 'client-1', client_secret: 'canary-client-secret' }
      await storage.records('Client').upsert('client-1', { ...client, redirect_uris: [] })
      await storage.users.signIn({ provider: 'p', issuer: 'https://i.example', subject: 's' })
      await storage.signingKeys.update(async () => [SIGNING_KEY])
      await storage.revocations.add([{ kind: 'user', id: USER, expiresAt: 1_900_000_000 }])
      await storage.audit({ event: 'consent', outcome: 'done', details: { client: 'client-1' } })
      return ids
    }

    async function expectAll(storage: Storage, ids: Map<string, string>): Promise<void> {
      for (const [kind, id] of ids) {
        const found = await storage.records(kind).find(id)
        expect(found, kind).toMatchObject({ jti: id, kind, nonce: 'canary-nonce' })
      }
      expect(await storage.records('Client').find('client-1')).toMatchObject({
        client_secret: 'canary-client-secret',
      })
      expect(await storage.signingKeys.list()).toEqual([SIGNING_KEY])
    }

    it('E37 is no code, token, session id, secret or private key, in any form', async () => {
      const ids = await fill(backend.storage)
      const tables = await backend.sql(
        `SELECT DISTINCT table_name::text AS name FROM information_schema.columns
         WHERE table_schema = 'mcp_auth'`,
      )
      const parts: string[] = []
      for (const { name } of tables) {
        const rows = await backend.sql(
          `SELECT row_to_json(t)::text AS json, t::text AS line FROM {schema}.${String(name)} t`,
        )
        for (const { json, line } of rows) parts.push(String(json), String(line))
        const columns = await backend.sql(
          `SELECT column_name::text AS name FROM information_schema.columns
           WHERE table_schema = 'mcp_auth' AND table_name = $1 AND data_type = 'bytea'`,
          [String(name)],
        )
        for (const { name: column } of columns) {
          const values = await backend.sql(
            `SELECT encode(${String(column)}, 'base64') AS value, encode(${String(column)}, 'escape') AS raw
             FROM {schema}.${String(name)}`,
          )
          for (const { value, raw } of values) {
            parts.push(String(value).replaceAll('\n', ''), String(raw))
          }
        }
      }
      const dump = parts.join('\n')
      // What is not secret is there, so that the right tables were searched.
      for (const open of ['client-1', USER, 'kid-1', 'RefreshToken', 'consent']) {
        expect(dump).toContain(open)
      }
      for (const secret of [...CANARIES, ...ids.values()]) {
        for (const form of formsOf(secret)) {
          expect(dump.includes(form), `${secret} stands there as ${form}`).toBe(false)
        }
      }
    })

    it('E37 is not even the id of a record to whoever has the encryption keys', async () => {
      const ids = await fill(backend.storage)
      const rows = await backend.sql(
        `SELECT token_type, token_id, version::text AS version, key_id, wrapped_key, payload
         FROM {schema}.oauth_tokens`,
      )
      expect(rows).toHaveLength(KINDS.length)
      for (const row of rows) {
        const kind = String(row.token_type)
        const digest = Buffer.from(row.token_id as Uint8Array).toString('base64url')
        const plaintext = await backend.codec.open(
          ['oauth_tokens', kind, digest, String(row.version)],
          {
            wrappedKey: {
              keyId: Buffer.from(row.key_id as Uint8Array).toString('hex'),
              bytes: row.wrapped_key as Uint8Array,
            },
            payload: row.payload as Uint8Array,
          },
        )
        const text = Buffer.from(plaintext).toString()
        expect(text).toContain('canary-nonce')
        for (const id of ids.values()) expect(text).not.toContain(id)
      }
    })

    it('X11 is readable through a rotation of the encryption keys, which leaves none behind', async () => {
      const { database, key } = backend
      const next = generateEncryptionKey()
      const [before, after, alone] = [codecOf(key, next), codecOf(next, key), codecOf(next)]
      const ids = await fill(backend.storage)
      const records = KINDS.length + 2
      const openWith = (codec: typeof before) =>
        createStorage({ database, codec, now: () => backend.clock.now })

      expect(await verifyRecords(database, before)).toMatchObject({ sound: records, failed: [] })
      const result = await rotateKeys(database, after, { batchSize: 3 })
      expect(result).toMatchObject({ rewrapped: records, remaining: 0, failed: [] })
      await expectAll(openWith(after), ids)
      await expectAll(openWith(before), ids)
      const status = await keyStatus(database, after)
      expect(status.map((each) => each.records)).toEqual([records, 0])
      await expectAll(openWith(alone), ids)
      expect(await failureOf(backend.storage.signingKeys.list())).toBe('ERR_STORE_UNAVAILABLE')
      expect(await rotateKeys(database, before)).toMatchObject({ rewrapped: records, remaining: 0 })
      await expectAll(backend.storage, ids)
      // The records of one namespace are credentials only.
      const scoped = await rotateKeys(database, after, { namespace: 'default' })
      expect(scoped).toMatchObject({ rewrapped: 0, remaining: 0 })
    })

    it('X06 is reported by a verification when it is damaged', async () => {
      await fill(backend.storage)
      await backend.sql(
        `UPDATE {schema}.oauth_tokens SET payload = set_byte(payload, 20, get_byte(payload, 20) # 1)
         WHERE token_type = 'RefreshToken'`,
      )
      await backend.sql(`UPDATE {schema}.oauth_clients SET client_id = 'client-2'`)
      const { failed } = await verifyRecords(backend.database, backend.codec)
      expect(failed.map(({ table, reason }) => `${table} ${reason}`).sort()).toEqual([
        'oauth_clients damaged',
        'oauth_tokens damaged',
      ])
      expect(await failureOf(backend.storage.records('Client').find('client-2'))).toBe(
        'ERR_STORE_INTEGRITY',
      )
    })

    it(
      'is all in a backup, and opens where it is restored',
      async () => {
        const ids = await fill(backend.storage)
        const invited = await backend.storage.users.invite('ann@example.com', { role: 'admin' })
        const lines: string[] = []
        for await (const line of exportDatabase(backend.database)) lines.push(line)
        for (const id of ids.values()) expect(lines.join('')).not.toContain(id)
        const scoped: string[] = []
        for await (const line of exportDatabase(backend.database, { namespace: 'default' })) {
          scoped.push(line)
        }
        expect(scoped.join('')).not.toContain('oauth_tokens')

        const chunks = async function* () {
          yield* lines
        }
        const again = await importDatabase(backend.database, chunks(), { onExisting: 'skip' })
        expect(again.tables.oauth_tokens).toEqual({
          rows: KINDS.length,
          written: 0,
          existing: KINDS.length,
        })
        const home = await engine.createDatabase()
        const database = createDatabase({ ...home.options, ...profile.options })
        try {
          await database.ready({ timeoutMilliseconds: START_MILLISECONDS })
          await importDatabase(database, chunks())
          const { codec, clock } = backend
          const storage = createStorage({ database, codec, now: () => clock.now })
          await expectAll(storage, ids)
          const refreshToken = ids.get('RefreshToken') ?? ''
          expect(await failureOf(storage.records('RefreshToken').consume(refreshToken))).toBe(
            'AlreadyConsumedError',
          )
          expect(await storage.users.list()).toEqual(await backend.storage.users.list())
          expect(await storage.users.findInvitation('ann@example.com')).toEqual(invited)
          expect(await storage.clients.list()).toEqual(await backend.storage.clients.list())
          expect((await storage.revocations.read()).revocations).toHaveLength(1)
          const refused = importDatabase(database, chunks())
          expect(await failureOf(refused)).toBe('ERR_STORE_CONFLICT')
          await importDatabase(database, chunks(), { onExisting: 'replace' })
          await expectAll(storage, ids)
        } finally {
          await database.close()
          await home.drop()
        }
      },
      START_MILLISECONDS,
    )
  })
})
