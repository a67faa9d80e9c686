import { approve, type Person } from '../../../../examples/coda-mcp/test/support/person.js'
import {
  authorizeUrl,
  codeForm,
  createVerifier,
  postToken,
  refresh,
  register,
  type Tokens,
} from '../../../../packages/authorization-server/test/engine/support/flow.js'
import type { TestServer } from '../../../../packages/authorization-server/test/engine/support/server.js'
import { PASTED_TOKEN, type Stage } from './stage.js'

export type TokenAnswer = Awaited<ReturnType<typeof postToken>>

/** An app whose user signed in, at one of the replicas or at whichever the front chooses. */
export interface App {
  readonly clientId: string
  tokens: Tokens
  /** Refreshes by the present token, and keeps what is answered with 200. */
  refresh(origin?: string): Promise<TokenAnswer>
}

/** Where flows go: whoever's the issuer is, requests are sent to `origin`. */
export function serverAt(origin: string, issuer = origin): TestServer {
  // The flows of the authorization server's own tests read these two members only.
  return { origin, resource: `${issuer}/mcp` } as TestServer
}

/** Somebody with an account at the provider. */
export function personOf({ provider }: Pick<Stage, 'provider'>): Person {
  return { codaToken: PASTED_TOKEN, atProvider: (page) => provider.authorize(page) }
}

/** Signs in and consents, and returns the form that redeems the code. */
export async function obtainCode(
  stage: Pick<Stage, 'provider' | 'front'>,
  clientId: string,
): Promise<Record<string, string>> {
  const { verifier, challenge } = createVerifier()
  const url = authorizeUrl(serverAt(stage.front.origin), clientId, challenge)
  const back = await approve(new URL(url), personOf(stage))
  const code = back.searchParams.get('code') ?? ''
  return codeForm(clientId, { code, verifier } as Parameters<typeof codeForm>[1])
}

export async function registerApp({ front }: Pick<Stage, 'front'>): Promise<string> {
  return (await register(serverAt(front.origin))).client_id
}

/** Registers an app unless one is named, signs in and redeems the code. */
export async function openApp(
  stage: Pick<Stage, 'provider' | 'front'>,
  registered?: string,
): Promise<App> {
  const { origin } = stage.front
  const clientId = registered ?? (await registerApp(stage))
  const { status, body } = await postToken(serverAt(origin), await obtainCode(stage, clientId))
  if (status !== 200) throw new Error(`no tokens: ${status} ${JSON.stringify(body)}`)
  const app: App = {
    clientId,
    tokens: body as Tokens,
    async refresh(at = origin) {
      const answer = await refresh(serverAt(at, origin), clientId, app.tokens.refresh_token)
      if (answer.status === 200) app.tokens = answer.body as Tokens
      return answer
    },
  }
  return app
}
