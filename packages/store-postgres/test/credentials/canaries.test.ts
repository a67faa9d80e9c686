import { inspect } from 'node:util'
import {
  type CredentialAuditEvent,
  type CredentialKey,
  isAuthError,
} from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresTokenStore } from '../../src/postgres-token-store.js'
import { type Cluster, serverEngines } from '../support/engines.js'
import { apiKey, codeOf, serviceKey, userKey } from './support.js'

const SECRET = 'canary-secret-7f3e'
const REFRESH = 'canary-refresh-91ab'
const METADATA = 'canary-metadata-c0de'
const PASSWORD = 'canary-password-55aa'

/** Every text form in which a value could stand in a dump or a log. */
function formsOf(value: string): string[] {
  const bytes = Buffer.from(value)
  const forms = [
    value,
    bytes.toString('hex'),
    encodeURIComponent(value),
    [...value].reverse().join(''),
  ]
  // Base64 of the value inside something else begins at one of three places; the ends depend on what
  // stands around it.
  for (const shift of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(shift), bytes])
    forms.push(padded.toString('base64').slice(4, -4), padded.toString('base64url').slice(4, -4))
  }
  return forms.flatMap((form) => [form, form.toUpperCase()])
}

async function dump(client: pg.Client, schema: string): Promise<string> {
  const tables = await client.query(
    'SELECT table_name FROM information_schema.tables WHERE table_schema = $1',
    [schema],
  )
  const parts: string[] = []
  for (const { table_name: table } of tables.rows) {
    for (const output of ['hex', 'escape']) {
      await client.query(`SET bytea_output = '${output}'`)
      const { rows } = await client.query(`SELECT t::text AS row FROM "${schema}"."${table}" AS t`)
      parts.push(...rows.map(({ row }) => String(row)))
      // The bytes of columns as text, as a person would look at them.
      const columns = await client.query(
        `SELECT column_name FROM information_schema.columns
        WHERE table_schema = $1 AND table_name = $2 AND data_type = 'bytea'`,
        [schema, table],
      )
      for (const { column_name: column } of columns.rows) {
        const bytes = await client.query(
          `SELECT encode("${column}", 'hex') AS hex, encode("${column}", 'base64') AS base64
          FROM "${schema}"."${table}" WHERE "${column}" IS NOT NULL`,
        )
        for (const { hex, base64 } of bytes.rows) parts.push(hex, base64.replaceAll('\n', ''))
      }
    }
  }
  expect(tables.rows.length).toBeGreaterThan(4)
  return parts.join('\n')
}

function expectNone(text: string, values: readonly string[]): void {
  for (const value of values) {
    for (const form of formsOf(value)) {
      expect(text.includes(form), `${value} stands there as ${form}`).toBe(false)
    }
  }
}

describe('the search itself', () => {
  it('finds every form of a value', () => {
    const bytes = Buffer.from(SECRET)
    const texts = [
      SECRET,
      bytes.toString('hex'),
      bytes.toString('base64'),
      Buffer.from(`x${SECRET}y`).toString('base64'),
      Buffer.from(`xy${SECRET}zz`).toString('base64'),
      Buffer.from(`{"secret":"${SECRET}"}`).toString('base64'),
    ]
    for (const text of texts) expect(() => expectNone(`a ${text} b`, [SECRET])).toThrow()
  })
})

describe.each(serverEngines())('canaries on $name', (engine) => {
  describe.skipIf(engine.skip)(engine.skip ?? 'postgres', () => {
    let cluster: Cluster
    let client: pg.Client
    const encryptionKeys = generateEncryptionKey()

    beforeAll(async () => {
      cluster = await engine.startCluster({
        settings: {
          log_statement: 'all',
          log_min_duration_statement: '0',
          log_parameter_max_length: '-1',
          log_parameter_max_length_on_error: '-1',
          log_error_verbosity: 'verbose',
          log_connections: 'on',
        },
      })
      client = new pg.Client({ connectionString: cluster.connectionString() })
      await client.connect()
    }, 60_000)
    afterAll(async () => {
      await client?.end()
      await cluster?.remove()
    })

    function open(schema: string, options: object = {}) {
      const url = new URL(cluster.connectionString())
      url.password = PASSWORD
      return postgresTokenStore({
        connectionString: url.href,
        schema,
        encryptionKeys,
        auditReads: 'all',
        ...options,
      })
    }

    it('X01 leaves no secret and no key in any table or in the log of the server', async () => {
      const store = open('x01')
      const input = {
        kind: 'oauth2',
        secret: SECRET,
        refreshToken: REFRESH,
        metadata: { account: METADATA },
      } as const
      const key = userKey('ann')
      const first = await store.set(key, input)
      await store.set(key, input, { ifVersion: first.version })
      await store.set(serviceKey(), input, { ifAbsent: true })
      expect(await codeOf(store.set(serviceKey(), input, { ifAbsent: true }))).toBe(
        'ERR_STORE_CONFLICT',
      )
      // A statement that fails is logged with its parameters.
      await client.query(`ALTER TABLE x01.credentials ADD CHECK (provider <> 'refused')`)
      expect(await codeOf(store.set(serviceKey('refused'), input))).toBe('ERR_STORE_UNAVAILABLE')
      expect((await store.get(key))?.refreshToken).toBe(REFRESH)
      await store.delete(serviceKey(), { tombstone: true })
      await store.check()
      await store.close()

      const rows = await dump(client, 'x01')
      const log = cluster.log()
      // What is not secret is there, so that the right tables and statements were searched.
      expect(rows).toContain('ann')
      expect(log).toMatch(/INSERT INTO "x01"\.credentials/)
      const keyHex = Buffer.from(encryptionKeys, 'base64').toString('hex')
      for (const text of [rows, log]) {
        expectNone(text, [SECRET, REFRESH, METADATA, PASSWORD, encryptionKeys])
        expect(text.includes(keyHex)).toBe(false)
      }
    })

    it('X01 shows the length of a secret in steps of 64 bytes only', async () => {
      const store = open('x01_lengths')
      const lengths = new Set<number>()
      for (let length = 1; length <= 200; length++) {
        const key = userKey(`u${length}`)
        await store.set(key, apiKey('k'.repeat(length)))
      }
      await store.close()
      const { rows } = await client.query(
        'SELECT octet_length(payload) AS n FROM x01_lengths.credentials',
      )
      for (const { n } of rows) lengths.add(n)
      expect(rows.length).toBe(200)
      expect(lengths.size).toBeLessThanOrEqual(5)
      const [first = 0] = lengths
      for (const length of lengths) expect((length - first) % 64).toBe(0)
    })

    it('X33 shows no secret, key or password in what can be printed', async () => {
      const events: CredentialAuditEvent[] = []
      const store = open('x33', {
        audit: { record: (event: CredentialAuditEvent) => events.push(event) },
      })
      const key = userKey('ann')
      const credential = await store.set(key, {
        kind: 'oauth2',
        secret: SECRET,
        refreshToken: REFRESH,
      })
      const listed: CredentialKey[] = []
      for await (const each of store.keys()) listed.push(each)

      const errors: unknown[] = []
      const caught = async (run: () => Promise<unknown>) => {
        await run().then(
          () => expect.unreachable('an error was expected'),
          (error) => errors.push(error),
        )
      }
      await caught(() => store.set(key, apiKey(SECRET), { ifAbsent: true }))
      await caught(() => store.set(key, apiKey(`${SECRET}\0`)))
      await client.query(`UPDATE x33.credentials SET payload = '\\x01'`)
      await caught(() => store.get(key))
      await client.query('ALTER TABLE x33.credentials RENAME COLUMN payload TO gone')
      await caught(() => store.get(key))
      await caught(() => store.set(key, apiKey(SECRET)))
      await store.close()
      await caught(() => store.get(key))
      const lost = open('x33', { connectionString: `postgresql://u:${PASSWORD}@127.0.0.1:1/db` })
      await caught(() => lost.get(key))
      await caught(() => lost.set(key, apiKey(SECRET)))
      await caught(() => lost.check())
      await lost.close()

      const shown: unknown[] = [store, lost, credential, events, listed, ...errors]
      for (const error of errors) {
        expect(isAuthError(error)).toBe(true)
        for (let each = error; each instanceof Error; each = each.cause) {
          shown.push(each.message, each.stack, JSON.stringify(each), { ...each })
        }
      }
      const text = shown
        .flatMap((each) => [
          inspect(each, { depth: 9, showHidden: true, getters: true }),
          String(JSON.stringify(each)),
        ])
        .join('\n')
      expectNone(text, [SECRET, REFRESH, PASSWORD, encryptionKeys])
      expect(text).not.toMatch(/127\.0\.0\.1|SELECT|INSERT/)
    })
  })
})
