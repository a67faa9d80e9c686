import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database, Statement } from '../../src/database/database.js'
import type { DatabaseOptions } from '../../src/database/options.js'
import { type Cluster, serverEngines, startCluster } from '../support/engines.js'

const TLS: Statement = {
  name: 'test_tls',
  text: 'SELECT ssl, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
}

const hasOpenssl = spawnSync('openssl', ['version']).status === 0
const server = serverEngines().find(({ skip }) => skip === undefined)
const reason = hasOpenssl
  ? server === undefined && 'no PostgreSQL to start here'
  : 'no openssl here'

interface Certificates {
  readonly authority: string
  readonly key: string
  readonly certificate: string
}

function openssl(folder: string, parameters: string): void {
  const { status, stderr } = spawnSync('openssl', parameters.split(' '), {
    cwd: folder,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
}

/** An authority of our own, and certificates by it for `localhost` and for a client. */
function createCertificates(folder: string): Record<'localhost' | 'mcp', Certificates> {
  const request = 'req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
  openssl(folder, `${request} -x509 -days 2 -keyout ca.key -out ca.crt -subj /CN=authority`)
  writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost')
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  const issue = (name: string): Certificates => {
    openssl(folder, `${request} -keyout ${name}.key -out ${name}.csr -subj /CN=${name}`)
    const by = '-CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names'
    openssl(folder, `x509 -req -in ${name}.csr ${by} -out ${name}.crt`)
    return { authority: read('ca.crt'), key: read(`${name}.key`), certificate: read(`${name}.crt`) }
  }
  return { localhost: issue('localhost'), mcp: issue('mcp') }
}

describe.skipIf(reason !== false)(`TLS to PostgreSQL${reason ? ` (${reason})` : ''}`, () => {
  let cluster: Cluster
  let folder: string
  let own: Certificates
  let client: Certificates
  const open: Database[] = []

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mcp-auth-tls-'))
    const made = createCertificates(folder)
    own = made.localhost
    client = made.mcp
    cluster = await startCluster(undefined, {
      settings: {
        ssl: 'on',
        ssl_cert_file: 'server.crt',
        ssl_key_file: 'server.key',
        ssl_ca_file: 'ca.crt',
      },
      files: { 'server.crt': own.certificate, 'server.key': own.key, 'ca.crt': own.authority },
      authentication: [
        'hostssl all password_user 127.0.0.1/32 scram-sha-256',
        'host all password_user 127.0.0.1/32 reject',
        'hostnossl all all 127.0.0.1/32 trust',
        'hostssl all all 127.0.0.1/32 trust',
      ],
    })
    const admin = create({})
    for (const text of [
      "CREATE ROLE password_user LOGIN PASSWORD 'canary-password'",
      'GRANT CREATE ON DATABASE postgres TO password_user',
      'GRANT ALL ON SCHEMA mcp_auth TO password_user',
      'GRANT ALL ON ALL TABLES IN SCHEMA mcp_auth TO password_user',
    ]) {
      await admin.query({ name: `test_${text.slice(0, 20)}`, text }, [], { kind: 'write' })
    }
  })
  afterAll(async () => {
    await cluster?.remove()
    if (folder !== undefined) rmSync(folder, { recursive: true })
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((database) => database.close()))
  })

  function create(options: Partial<DatabaseOptions>, parameters = '', user = 'postgres'): Database {
    const { port } = cluster
    const host = parameters.includes('numeric') ? '127.0.0.1' : 'localhost'
    const query = parameters.replace('numeric', '')
    const database = createDatabase({
      connectionString: `postgresql://${user}@${host}:${port}/postgres${query}`,
      ...options,
    })
    open.push(database)
    return database
  }

  const isEncrypted = async (database: Database) => (await database.query(TLS))[0]?.ssl

  it('accepts a server of the given authority, as text, bytes or list', async () => {
    const { authority } = own
    for (const ca of [authority, Buffer.from(authority), [authority]]) {
      expect(await isEncrypted(create({ ssl: { ca } }))).toBe(true)
    }
  })

  it.each([
    ['the authorities of the system', { ssl: true }, '', /certificate/],
    ['another authority', { ssl: { ca: 'own of the client' } }, '', /certificate/],
  ])('refuses a server that is not of %s', async (_title, options, parameters, text) => {
    const ssl = options.ssl === true ? true : { ca: client.certificate }
    const failure = create({ ssl }, parameters).query(TLS)
    await expect(failure).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    await expect(failure).rejects.toThrow(text)
  })

  it('refuses a server with a certificate for another host, unless it is named', async () => {
    const { authority: ca } = own
    const failure = create({ ssl: { ca } }, 'numeric').query(TLS)
    await expect(failure).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    })
    expect(await isEncrypted(create({ ssl: { ca, servername: 'localhost' } }, 'numeric'))).toBe(
      true,
    )
  })

  it('"require" encrypts without asking who answers', async () => {
    expect(await isEncrypted(create({ ssl: 'require' }))).toBe(true)
  })

  it('false is plain text, whatever the connection string says', async () => {
    expect(await isEncrypted(create({ ssl: false }, '?sslmode=verify-full'))).toBe(false)
  })

  it('honours the connection string as pg does, and takes ssl in its place as a whole', async () => {
    const { authority: ca } = own
    expect(await isEncrypted(create({}))).toBe(false)
    expect(await isEncrypted(create({}, '?sslmode=disable'))).toBe(false)
    expect(await isEncrypted(create({}, '?sslmode=no-verify'))).toBe(true)
    const path = encodeURIComponent(join(folder, 'ca.crt'))
    const verified = `?sslmode=verify-full&sslrootcert=${path}`
    expect(await isEncrypted(create({}, verified))).toBe(true)
    await expect(create({}, '?sslmode=verify-full').query(TLS)).rejects.toThrow(/certificate/)
    expect(await isEncrypted(create({ ssl: { ca } }, '?sslmode=disable'))).toBe(true)
    await expect(create({ ssl: true }, '?sslmode=no-verify').query(TLS)).rejects.toThrow(
      /certificate/,
    )
  })

  it('shows the client certificate', async () => {
    const { authority: ca } = own
    const database = create({ ssl: { ca, cert: client.certificate, key: client.key } })
    expect(await database.query(TLS)).toEqual([{ ssl: true, client_dn: '/CN=mcp' }])
    const seen: string[] = []
    await database.listen('test_tls', {
      onNotification: (payload) => seen.push(payload),
      onReset() {},
    })
    await database.query({ name: 'test_notify', text: "SELECT pg_notify('test_tls', 'x')" })
    await expect.poll(() => seen).toEqual(['x'])
  })

  it('keeps special characters of a password, with ssl beside it', async () => {
    const { authority: ca } = own
    const right = 'password_user:canary%2Dpassword'
    expect(await isEncrypted(create({ ssl: { ca } }, '', right))).toBe(true)
    const wrong = create({ ssl: { ca } }, '', 'password_user:canary-password2').query(TLS)
    await expect(wrong).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      cause: { code: '28P01' },
    })
    await expect(wrong).rejects.not.toThrow(/canary|password_user/)
  })
})
