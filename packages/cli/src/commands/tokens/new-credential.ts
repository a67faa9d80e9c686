import {
  type CredentialInput,
  placeholderReason,
  validateCredentialInput,
} from '@bestviable/mcp-auth-middleware'
import * as z from 'zod/mini'
import type { CommandContext } from '../../command.js'
import { CommandFailure } from '../../failure.js'
import { readStandardInput } from '../../output/stdin.js'

const SECRET_BYTES = 64 * 1024 + 2
const DOCUMENT_BYTES = 512 * 1024

const Document = z.strictObject({
  kind: z.enum(['api-key', 'oauth2']),
  secret: z.string(),
  refreshToken: z.optional(z.string()),
  expiresAt: z.optional(z.number()),
  scopes: z.optional(z.array(z.string())),
  metadata: z.optional(z.record(z.string(), z.string())),
})

function parseDocument(text: string): CredentialInput {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    // The message of a JSON error quotes the text.
    throw new CommandFailure('refused', 'standard input is not JSON')
  }
  const document = Document.safeParse(content)
  if (document.success) return document.data
  const places = document.error.issues.map(({ path }) => path.join('.') || '(document)')
  throw new CommandFailure(
    'refused',
    `standard input is not a credential: see ${[...new Set(places)].join(', ')}; it takes kind, secret, refreshToken, expiresAt, scopes and metadata`,
  )
}

function requireReal(member: string, value: string | undefined): void {
  const reason = value === undefined ? undefined : placeholderReason(value)
  if (reason !== undefined) throw new CommandFailure('refused', `the ${member} ${reason}`)
}

/**
 * Reads the credential to store: from a hidden prompt on a terminal, else from standard input, as a
 * bare API key or as a JSON document.
 *
 * @throws {@link CommandFailure} for a placeholder, a masked value, or anything else that no store takes.
 */
export async function readNewCredential(
  { host, prompts, output }: CommandContext,
  options: { readonly stdin: 'text' | 'json'; readonly question: string },
): Promise<CredentialInput> {
  let input: CredentialInput
  if (options.stdin === 'json') {
    input = parseDocument(await readStandardInput(host, DOCUMENT_BYTES))
  } else {
    if (host.isTerminal.stdin && !prompts.available) {
      throw new CommandFailure('usage', 'there is no terminal to ask at; pipe the value to stdin')
    }
    const secret = prompts.available
      ? await prompts.secret(options.question)
      : await readStandardInput(host, SECRET_BYTES)
    input = { kind: 'api-key', secret }
  }
  requireReal('secret', input.secret)
  requireReal('refresh token', input.refreshToken)
  if (input.secret !== input.secret.trim()) {
    output.warn('the secret starts or ends with white space; it is stored as it is')
  }
  return validateCredentialInput(input)
}
