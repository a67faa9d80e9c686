import { randomBytes } from 'node:crypto'
import type { Exchange, Probe } from '../http/prober.js'
import { isJsonObject, type JsonObject, textOf } from '../survey/metadata-document.js'

/** Ports as native clients choose them. Nothing listens there: no answer is ever fetched. */
export const REGISTERED_PORT = 33_418
export const OTHER_PORT = 51_873

const CALLBACK = '/mcp-auth-doctor/callback'

/** Redirect URIs of the doctor's own registrations. */
export const REDIRECT_URIS = {
  loopback: `http://127.0.0.1:${REGISTERED_PORT}${CALLBACK}`,
  otherPort: `http://127.0.0.1:${OTHER_PORT}${CALLBACK}`,
  otherPath: `http://127.0.0.1:${REGISTERED_PORT}${CALLBACK}/other`,
  otherHost: `https://mcp-auth-doctor.invalid${CALLBACK}`,
  localhost: `http://localhost:${REGISTERED_PORT}${CALLBACK}`,
  localhostPort: `http://localhost:${OTHER_PORT}${CALLBACK}`,
  vscode: `http://127.0.0.1:${REGISTERED_PORT}/`,
} as const

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

const COMMON = {
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
}

/** Names of registrations. */
export type RegistrationName = 'loopback' | 'localhost' | 'cursor' | 'vscode' | 'scoped'

/**
 * Bodies of registrations: two of the doctor, without scopes as Claude Code sends them, and the lists of
 * Cursor and VS Code. The names say whose they are: an authorization server that knows equal clients by
 * their metadata would otherwise answer with the client of a real program, which would then be removed.
 * VS Code names the grants that it knows and that the metadata lists, or all where there is no list.
 */
export function registrationBodies(
  scope: string | undefined,
  grants: readonly string[] | undefined,
): Readonly<Record<RegistrationName, JsonObject>> {
  const run = `mcp-auth doctor ${randomBytes(6).toString('hex')}`
  const withScope = scope === undefined ? {} : { scope }
  // Clients of 2026-07-28 say so; without it a client is one of the web, which loopback addresses are not for.
  const native = { application_type: 'native' }
  const loopback = { ...COMMON, ...native, redirect_uris: [REDIRECT_URIS.loopback] }
  return {
    loopback: { client_name: run, ...loopback },
    localhost: {
      client_name: `${run} localhost`,
      ...COMMON,
      ...native,
      redirect_uris: [REDIRECT_URIS.localhost],
    },
    cursor: {
      client_name: `${run} Cursor`,
      ...COMMON,
      redirect_uris: [
        'cursor://anysphere.cursor-mcp/oauth/callback',
        'https://www.cursor.com/agents/mcp/oauth/callback',
        'http://localhost:8787/callback',
      ],
    },
    vscode: {
      client_name: `${run} Visual Studio Code`,
      client_uri: 'https://code.visualstudio.com',
      ...COMMON,
      grant_types: [...COMMON.grant_types, DEVICE_CODE].filter(
        (grant) => grants?.includes(grant) !== false,
      ),
      redirect_uris: [
        'https://insiders.vscode.dev/redirect',
        'https://vscode.dev/redirect',
        'http://127.0.0.1/',
        'http://127.0.0.1:33418/',
      ],
      ...withScope,
      ...native,
    },
    scoped: { client_name: `${run} with scopes`, ...loopback, ...withScope },
  }
}

/** A registration and what came of it. */
export interface RegistrationAttempt {
  readonly exchange: Exchange
  /** The answer, when it is one. */
  readonly document: JsonObject | undefined
  readonly clientId: string | undefined
}

/** Registers one client. */
export async function register(
  probe: Probe,
  endpoint: string,
  body: JsonObject,
  about: string,
): Promise<RegistrationAttempt> {
  const exchange = await probe({
    method: 'POST',
    url: endpoint,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body),
    about,
    isFresh: true,
    isAwaited: true,
  })
  const { answer } = exchange
  const isDone = answer !== undefined && answer.status >= 200 && answer.status < 300
  const document = isDone && isJsonObject(answer.json) ? answer.json : undefined
  return { exchange, document, clientId: textOf(document, 'client_id') }
}
