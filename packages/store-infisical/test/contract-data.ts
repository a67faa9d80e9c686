import { existsSync, readFileSync } from 'node:fs'

const FOLDER = new URL('../../../../shared/infisical/', import.meta.url)

/** Why tests that need the contract data are skipped, or `undefined` when it is there. */
export const missingContractData: string | undefined = existsSync(FOLDER)
  ? undefined
  : 'the contract data of Infisical is not beside this checkout'

export interface RecordedRequest {
  readonly call: string
  readonly method: string
  readonly rawUrl: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>> | null
}

export interface ErrorCase {
  readonly stimulus: string
  readonly result:
    | { readonly ok: true; readonly value: unknown }
    | { readonly ok: false; readonly name: string; readonly message: string }
}

export interface DocumentedAnswer {
  readonly when: string
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

export interface DocumentedEndpoint {
  readonly id: string
  readonly ok: Omit<DocumentedAnswer, 'when'>
  readonly okAlternative?: Omit<DocumentedAnswer, 'when'>
  readonly errors?: readonly DocumentedAnswer[]
}

export interface ServerContract {
  readonly endpoints: readonly DocumentedEndpoint[]
  readonly generic: readonly DocumentedAnswer[]
}

function load<Content>(name: string, empty: Content): Content {
  if (missingContractData !== undefined) return empty
  return JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Content
}

/** Every request that the SDK was seen to send. */
export function recordedRequests(): readonly RecordedRequest[] {
  const empty: { requests: RecordedRequest[] } = { requests: [] }
  return load('sdk-5.0.2-recorded-requests.json', empty).requests
}

/** How the SDK was seen to turn answers into results. */
export function errorCases(): readonly ErrorCase[] {
  const empty: { cases: ErrorCase[] } = { cases: [] }
  return load('sdk-5.0.2-error-surfacing.json', empty).cases
}

/** What the server answers, as read in its source. */
export function serverContract(): ServerContract {
  return load('server-contract-examples.json', { endpoints: [], generic: [] })
}
