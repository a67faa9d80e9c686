import { createTestIssuer, type TestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { envVariableFor } from '@bestviable/mcp-auth-store-env'
import { type CodaAccounts, startCodaAccounts } from './coda-accounts.js'
import { createCleanup, startTestServer, type TestServer } from './test-server.js'
import { unwatched } from './unwatched.js'

export const people = ['ann', 'bob'] as const
export type Person = (typeof people)[number]

/** The Coda token of each person, which the server holds for them. */
export const codaTokens: Readonly<Record<Person, string>> = {
  ann: 'canary-coda-token-of-ann',
  bob: 'canary-coda-token-of-bob',
}

/** A server on which two people act in Coda, each with a Coda token of their own. */
export interface TwoPeople {
  readonly server: TestServer
  readonly coda: CodaAccounts
  /** An access token of the person for the server. */
  tokenOf(person: Person): Promise<string>
  close(): Promise<void>
}

export async function startForTwoPeople(options: {
  readonly checked: boolean
}): Promise<TwoPeople> {
  const { add, run } = createCleanup()
  const audience = 'coda-mcp'
  const issuer: TestIssuer = add(createTestIssuer({ algorithm: 'ES256', audience }))
  await issuer.listen()
  const coda = add(
    await startCodaAccounts(
      Object.fromEntries(people.map((person) => [codaTokens[person], person])),
      options,
    ),
  )
  const credentials = await Promise.all(
    people.map(async (person) => {
      const owner = { kind: 'user', issuer: issuer.issuer, subject: person } as const
      return [await envVariableFor({ provider: 'coda', owner }), codaTokens[person]] as const
    }),
  )
  const server = add(
    await startTestServer({
      ...unwatched,
      OIDC_ISSUER: issuer.issuer,
      OIDC_AUDIENCE: audience,
      CODA_CREDENTIALS: 'user',
      CODA_API_BASE_URL: coda.baseUrl,
      ...Object.fromEntries(credentials),
    }),
  )
  return {
    server,
    coda,
    tokenOf: async (person) => await issuer.token({ sub: person, scope: 'coda.write' }),
    close: run,
  }
}
