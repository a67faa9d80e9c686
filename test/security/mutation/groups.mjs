/**
 * The security modules whose tests are tested, in groups that take minutes each.
 *
 * `mutate` are files below `src`, `tests` are files below `test` of the same package: those that run
 * in seconds and need no database, since every mutant runs them again. Add a module where it belongs
 * when it begins to decide about a credential, an address or a key.
 *
 * @typedef {object} Group
 * @property {string} package folder below `packages`
 * @property {readonly string[]} mutate
 * @property {readonly string[]} tests patterns of vitest
 * @property {readonly string[]} [slow] how titles of tests begin that take a second or more
 */

const core = 'mcp-auth-middleware'
const server = 'authorization-server'

/** @type {Readonly<Record<string, Group>>} */
export const GROUPS = {
  headers: {
    package: core,
    mutate: ['resource-server/bearer-token.ts', 'resource-server/request-view.ts'],
    tests: ['resource-server/{bearer-token,request-view}*.test.ts'],
  },
  challenges: {
    package: core,
    mutate: ['resource-server/challenge.ts', 'resource-server/responses.ts'],
    tests: ['resource-server/{challenge,responses,guard}*.test.ts'],
  },
  origins: {
    package: core,
    mutate: ['resource-server/origin.ts', 'resource-server/cors.ts'],
    tests: ['resource-server/{origin,cors}*.test.ts'],
  },
  scopes: {
    package: core,
    mutate: [
      'resource-server/scope.ts',
      'resource-server/operation-scopes.ts',
      'resource-server/json-rpc-message.ts',
    ],
    tests: ['resource-server/{scope,operation-scopes,json-rpc-message,guard}*.test.ts'],
  },
  'token-digests': {
    package: core,
    mutate: ['validators/token-digest.ts', 'validators/bearer-tokens.ts'],
    tests: ['validators/{token-digest,bearer-tokens}*.test.ts'],
  },
  jwt: {
    package: core,
    mutate: [
      'jwt/verify-jwt.ts',
      'jwt/claims.ts',
      'jwt/compact-jws.ts',
      'jwt/verify-signature.ts',
      'jwt/peek-issuer.ts',
    ],
    tests: ['jwt/{compact-jws,peek-issuer,claims,verify-jwt}*.test.ts', 'validators/jwt*.test.ts'],
  },
  keys: {
    package: core,
    mutate: ['jwt/jwk.ts', 'jwt/held-keys.ts', 'jwt/roca.ts', 'jwt/algorithms.ts'],
    tests: ['jwt/{jwk,held-keys,roca,wycheproof}*.test.ts', 'validators/jwt*.test.ts'],
  },
  'key-fetching': {
    package: core,
    mutate: [
      'jwt/key-set.ts',
      'jwt/key-loader.ts',
      'jwt/json-fetch.ts',
      'jwt/key-freshness.ts',
      'jwt/fetch-schedule.ts',
      'jwt/discovery.ts',
      'jwt/remote-url.ts',
    ],
    tests: [
      'jwt/{key-set,key-loader,json-fetch,key-freshness,fetch-schedule,discovery,remote-url}*.test.ts',
    ],
  },
  credentials: {
    package: core,
    mutate: [
      'resource-server/authenticate.ts',
      'resource-server/select-validator.ts',
      'resource-server/session-id.ts',
      'jwt/verified-token-cache.ts',
    ],
    tests: [
      'resource-server/{authenticate,select-validator,session-id,verified-token-cache}*.test.ts',
      'create-mcp-auth.test.ts',
    ],
  },
  envelope: {
    package: core,
    mutate: ['envelope/*.ts'],
    tests: ['envelope/*.test.ts'],
  },
  redirects: {
    package: server,
    mutate: [
      'clients/match-redirect-uri.ts',
      'clients/redirect-uri.ts',
      'clients/host-pattern.ts',
      'clients/document-id.ts',
      'clients/public-https-uri.ts',
    ],
    tests: [
      'clients/{match-redirect-uri,redirect-uri,host-pattern,document-id,public-https-uri,registration}*.test.ts',
    ],
    slow: ['D14 agrees with the rule, stated over the parts'],
  },
  addresses: {
    package: server,
    mutate: ['clients/public-address.ts', 'clients/resolve-host.ts', 'limits/client-address.ts'],
    tests: ['clients/{public-address,resolve-host}*.test.ts', 'limits/client-address*.test.ts'],
  },
  requests: {
    package: server,
    mutate: ['clients/guarded-request.ts', 'clients/public-fetch.ts'],
    tests: ['clients/{guarded-request,public-fetch,client-documents}*.test.ts'],
    slow: ['M10 gives up after 3 seconds', 'M18 fetches at most 30'],
  },
  secrets: {
    package: server,
    mutate: ['engine/secrets.ts', 'storage/record-ids.ts', 'clients/registration-id.ts'],
    tests: [
      'engine/secrets*.test.ts',
      'storage/record-ids*.test.ts',
      'clients/registration-id*.test.ts',
    ],
  },
  'key-digests': {
    package: 'store-postgres',
    mutate: ['credentials/key-digest.ts', 'keys/key-id.ts'],
    // Without key-digest.test.ts, whose support loads a database for every mutant.
    tests: ['credentials/key-digest.mutants.test.ts', 'keys/key-id*.test.ts'],
  },
}

/** Paths from the root of the repository. */
export const mutatedFiles = ({ package: name, mutate }) =>
  mutate.map((file) => `packages/${name}/src/${file}`)

/** Patterns from the root of the repository. */
export const testFiles = ({ package: name, tests }) =>
  tests.map((pattern) => `packages/${name}/test/${pattern}`)

/** The group that the environment asks for, as `run.mjs` sets it. Default: the first. */
export function readGroup() {
  const name = process.env.MUTATION_GROUP ?? Object.keys(GROUPS)[0]
  const group = GROUPS[name]
  if (group === undefined) {
    throw new Error(`MUTATION_GROUP must be one of ${Object.keys(GROUPS).join(', ')}`)
  }
  return { name, ...group }
}
