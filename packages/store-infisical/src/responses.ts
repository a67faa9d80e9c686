import { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import * as z from 'zod/mini'
import type { SecretRecord } from './infisical-api.js'

// The types of the SDK name members that the server does not send, and the other way round: only these
// are relied on.
const Secret = z.object({
  id: z.string().check(z.minLength(1)),
  secretKey: z.string(),
  secretValue: z.string(),
  version: z.number(),
  secretComment: z.optional(z.nullable(z.string())),
  secretValueHidden: z.optional(z.boolean()),
  createdAt: z.optional(z.nullable(z.string())),
  updatedAt: z.optional(z.nullable(z.string())),
})
const Removed = z.object({
  secret: z.object({
    secretValue: z.optional(z.string()),
    secretValueHidden: z.optional(z.boolean()),
  }),
})
const List = z.object({ secrets: z.array(Secret) })
const Written = z.object({ secret: Secret })
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

function toRecord(secret: z.infer<typeof Secret>): SecretRecord {
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
  const result = Secret.safeParse(answer)
  if (!result.success) throw new UnreadableAnswerError()
  return toRecord(result.data)
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
