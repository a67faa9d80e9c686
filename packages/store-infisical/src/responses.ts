import { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import * as z from 'zod/mini'
import type { SecretRecord } from './infisical-api.js'

const Removed = z.object({
  secret: z.object({
    secretValue: z.optional(z.string()),
    secretValueHidden: z.optional(z.boolean()),
  }),
})
const List = z.object({ secrets: z.array(z.unknown()) })
const Written = z.object({ secret: z.unknown() })
const Approval = z.object({ approval: z.object({}) })

/** A status of success with something else than the API's answer, such as the page of a proxy. */
export class UnreadableAnswerError extends StoreUnavailableError {
  constructor() {
    super('the answer is not one of the Infisical API; does siteUrl name the server itself?')
  }
}

function toEpochSeconds(...times: readonly (string | null | undefined)[]): number | undefined {
  for (const time of times) {
    const milliseconds = Date.parse(time ?? '')
    if (milliseconds > 0) return Math.floor(milliseconds / 1000)
  }
  return undefined
}

type Optional<Value> = Value | null | undefined

// The types of the SDK name members that the server does not send, and the other way round: only these
// are relied on.
interface Secret {
  readonly id: string
  readonly secretKey: string
  readonly secretValue: string
  readonly version: number
  readonly secretComment?: Optional<string>
  readonly secretValueHidden?: boolean | undefined
  readonly createdAt?: Optional<string>
  readonly updatedAt?: Optional<string>
}

const isOptionalText = (value: unknown) => typeof (value ?? '') === 'string'

// By hand, since a schema costs a tenth of the CPU of a whole read.
function isSecret(answer: unknown): answer is Secret {
  if (typeof answer !== 'object' || answer === null) return false
  const secret = answer as Record<string, unknown>
  const { secretValueHidden: hidden } = secret
  return (
    typeof secret.id === 'string' &&
    secret.id !== '' &&
    typeof secret.secretKey === 'string' &&
    typeof secret.secretValue === 'string' &&
    Number.isFinite(secret.version) &&
    (hidden === undefined || typeof hidden === 'boolean') &&
    isOptionalText(secret.secretComment) &&
    isOptionalText(secret.createdAt) &&
    isOptionalText(secret.updatedAt)
  )
}

function toRecord(secret: unknown): SecretRecord {
  if (!isSecret(secret)) throw new UnreadableAnswerError()
  return Object.freeze({
    name: secret.secretKey,
    value: secret.secretValue,
    comment: secret.secretComment ?? '',
    hidden: secret.secretValueHidden === true,
    revision: `i:${secret.id}:${secret.version}`,
    updatedAt: toEpochSeconds(secret.updatedAt, secret.createdAt),
  })
}

/** Parses the answer to a read. A page of HTML arrives here as `undefined`. */
export function parseSecret(answer: unknown): SecretRecord {
  return toRecord(answer)
}

/** Parses the answer to a listing. */
export function parseSecretList(answer: unknown): readonly SecretRecord[] {
  const result = List.safeParse(answer)
  if (!result.success) throw new UnreadableAnswerError()
  return result.data.secrets.map(toRecord)
}

/**
 * Throws when a change waits for an approval: the status is 200 all the same, and nothing was changed.
 */
function refuseApproval(answer: unknown): void {
  if (!Approval.safeParse(answer).success) return
  throw new StoreUnavailableError(
    'approval pending: nothing was written, because an approval policy of Infisical covers the folder',
  )
}

/**
 * Parses the answer to a creation or an update. The value of the answer is replaced by the one that was
 * sent: an identity that may write need not be able to read.
 */
export function parseWrittenSecret(answer: unknown, value: string): SecretRecord {
  refuseApproval(answer)
  const result = Written.safeParse(answer)
  if (!result.success) throw new UnreadableAnswerError()
  return Object.freeze({ ...toRecord(result.data.secret), value, hidden: false })
}

/** Parses the answer to a removal. */
export function parseRemovedSecret(answer: unknown): { readonly value: string | undefined } {
  refuseApproval(answer)
  const result = Removed.safeParse(answer)
  if (!result.success) throw new UnreadableAnswerError()
  const { secretValue, secretValueHidden } = result.data.secret
  return { value: secretValueHidden === true ? undefined : secretValue }
}
