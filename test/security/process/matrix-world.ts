import { createHash } from 'node:crypto'
import { generateBearerToken } from '@bestviable/mcp-auth-middleware'
import {
  createTestIssuer,
  type ResponseMode,
  type TestIssuer,
} from '@bestviable/mcp-auth-middleware/testing'
import { type Canaries, createCanaries } from '../harness/canaries.js'
import {
  type DependencyMode,
  type DependencyServer,
  startDependencyServer,
} from '../harness/dependency-server.js'
import { OPAQUE_PREFIX, RESOURCE, type ResourceServerJob } from './resource-server-job.js'

/** The ways in which keys cannot be had. `hang` and `drip` end at the deadline of 3 seconds. */
export const KEY_OUTAGES = [
  'error-500',
  'html',
  'redirect',
  'reset',
  'empty',
  'huge',
  'hang',
  'drip',
] as const satisfies readonly ResponseMode[]

/** The ways in which a token cannot be asked about. */
export const INTROSPECTION_OUTAGES = [
  'error-500',
  'error-429',
  'html',
  'redirect',
  'reset',
  'empty',
  'cut',
  'huge',
  'hang',
] as const satisfies readonly DependencyMode[]

/** Everything around the servers of the matrix, and what must not leave them. */
export interface MatrixWorld {
  readonly issuer: TestIssuer
  readonly stranger: TestIssuer
  readonly outages: ReadonlyMap<ResponseMode, TestIssuer>
  readonly introspection: DependencyServer
  readonly job: ResourceServerJob
  /** Tokens that are accepted. */
  readonly good: string
  readonly bearer: string
  /** In every credential that is sent. */
  readonly marker: string
  /** Must be nowhere in any output. */
  readonly secrets: Canaries
  /** Must not go back to a client; a log may name who was refused. */
  readonly claims: Canaries
  /** Claims of a good token, marked. */
  readonly marked: Readonly<Record<string, unknown>>
  close(): Promise<void>
}

function introspect(body: string): Record<string, unknown> {
  const token = new URLSearchParams(body).get('token') ?? ''
  if (token.startsWith(`${OPAQUE_PREFIX}list`)) return { active: ['yes'] }
  return { active: false }
}

function outageOf(body: string): DependencyMode {
  const token = new URLSearchParams(body).get('token') ?? ''
  return INTROSPECTION_OUTAGES.find((mode) => token.startsWith(OPAQUE_PREFIX + mode)) ?? 'ok'
}

/** Starts the issuers, the introspection endpoint and the list of secrets. */
export async function createMatrixWorld(): Promise<MatrixWorld> {
  const secrets = createCanaries()
  const claims = createCanaries()
  const marker = secrets.mint('what is in every credential')
  const subject = claims.mint('subject')
  const email = `${claims.mint('address')}@corp.test`
  const marked = { canary: marker }

  const options = {
    // Signs faster than RS256, and hundreds of tokens are signed.
    algorithm: 'ES256',
    audience: RESOURCE,
    scopes: ['docs.read'],
    email,
    subject,
  } as const
  const issuer = createTestIssuer(options)
  const stranger = createTestIssuer(options)
  const outages = new Map(KEY_OUTAGES.map((mode) => [mode, createTestIssuer(options)]))
  const issuers = [issuer, stranger, ...outages.values()]
  await Promise.all(issuers.map((each) => each.listen()))
  for (const [mode, each] of outages) each.respond('jwks', mode)

  const introspection = await startDependencyServer({
    answer: (_request, body) => ({ status: 200, body: introspect(body) }),
    errorText: secrets.mint('error text of the introspection endpoint'),
  })
  introspection.respond(outageOf)

  const good = await issuer.token(marked)
  secrets.watch('signature of the good token', good.split('.')[2] ?? '')
  const { token: bearer, digest } = await generateBearerToken()
  secrets.watch('configured Bearer token', bearer)
  secrets.watch('digest of the Bearer token', createHash('sha256').update(bearer).digest('hex'))

  return {
    issuer,
    stranger,
    outages,
    introspection,
    good,
    bearer,
    marker,
    marked,
    secrets,
    claims,
    job: {
      issuer: issuer.issuer,
      jwksUri: issuer.jwksUri,
      faulty: [...outages.values()].map((each) => ({ issuer: each.issuer, jwksUri: each.jwksUri })),
      introspection: {
        issuer: 'https://introspection.test',
        endpoint: `${introspection.url}/introspect`,
        clientId: 'mcp-server',
        clientSecret: secrets.mint('client secret of introspection'),
      },
      bearerDigest: digest,
      emails: [email],
      storeSecret: secrets.mint('error text of the store'),
    },
    async close() {
      await Promise.all([...issuers.map((each) => each.close()), introspection.close()])
    },
  }
}
