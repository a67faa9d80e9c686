import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { parseClientDocument } from '../../../src/clients/client-document.js'
import type { EngineParts } from '../../../src/engine/parts.js'

/** A client ID metadata document; what else is in it is read by nobody here. */
export interface ClientDocument {
  readonly client_id: string
  readonly [member: string]: unknown
}

/** What clients publish: their documents, and the keys behind their `jwks_uri`. */
export interface OutsideNetwork {
  /** Stand in for the network; documents and keys are still parsed by the real code. */
  readonly parts: Pick<EngineParts, 'documents' | 'publicFetch'>
  /** Sets what the host of the keys answers. Default 200. */
  setKeysStatus(status: number): void
  /** Makes that host answer nothing until `release`; `reached` resolves when it is asked. */
  holdKeys(): { readonly reached: Promise<void>; release(): void }
  /** Signs a client assertion (RFC 7523) with the private key of the clients. */
  sign(clientId: string, audience: string): Promise<string>
}

const ALGORITHM = 'RS256'

/** Creates a network with these documents and one JWK Set. */
export async function createOutsideNetwork(
  documents: readonly ClientDocument[],
  jwksUri: string,
): Promise<OutsideNetwork> {
  const { privateKey, publicKey } = await generateKeyPair(ALGORITHM)
  const key: JWK = { ...(await exportJWK(publicKey)), kid: 'key-1', alg: ALGORITHM, use: 'sig' }
  let keysStatus = 200
  let hold: (() => Promise<void>) | undefined
  const published = new Map(documents.map((each) => [each.client_id, each]))
  return {
    parts: {
      documents: {
        async find(id) {
          const document = published.get(id)
          if (document === undefined) return { kind: 'unavailable', reason: 'connection_failed' }
          const body = new TextEncoder().encode(JSON.stringify(document))
          return { kind: 'found', metadata: parseClientDocument(id, body, {}) }
        },
        close: () => undefined,
      },
      async publicFetch(url) {
        await hold?.()
        return String(url) === jwksUri && keysStatus === 200
          ? Response.json({ keys: [key] })
          : new Response(null, { status: keysStatus === 200 ? 404 : keysStatus })
      },
    },
    setKeysStatus(status) {
      keysStatus = status
    },
    holdKeys() {
      let release = (): void => undefined
      const answered = new Promise<void>((resolve) => {
        release = resolve
      })
      const reached = new Promise<void>((resolve) => {
        hold = () => {
          resolve()
          return answered
        }
      })
      return {
        reached,
        release() {
          hold = undefined
          release()
        },
      }
    },
    sign: (clientId, audience) =>
      new SignJWT({})
        .setProtectedHeader({ alg: ALGORITHM, kid: 'key-1' })
        .setIssuer(clientId)
        .setSubject(clientId)
        .setAudience(audience)
        .setJti(crypto.randomUUID())
        .setIssuedAt()
        .setExpirationTime('60s')
        .sign(privateKey),
  }
}
