import type { Operation } from './operation-scopes.js'

/** What a body asks for, or why it cannot be authorized. */
export type ParsedMessage =
  | { readonly kind: 'operations'; readonly operations: readonly Operation[] }
  | { readonly kind: 'unreadable'; readonly reason: string }

const decoder = { utf8: undefined as TextDecoder | undefined }

function unreadable(reason: string): ParsedMessage {
  return { kind: 'unreadable', reason }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Own string member; members of the prototype are not part of the message. */
function text(record: unknown, name: string): string | undefined {
  if (!isRecord(record) || !Object.hasOwn(record, name)) return undefined
  const value = record[name]
  return typeof value === 'string' ? value : undefined
}

function nameAs(kind: Operation['kind'], record: unknown, member: string): readonly Operation[] {
  return [{ kind, name: text(record, member) }]
}

/** Resources that a 2026-07-28 client subscribes to by one request. */
function subscriptionsOf(params: unknown): readonly Operation[] {
  const notifications = isRecord(params) ? params.notifications : undefined
  const uris = isRecord(notifications) ? notifications.resourceSubscriptions : undefined
  if (uris === undefined) return []
  const list: readonly unknown[] = Array.isArray(uris) ? uris : [uris]
  return list.map((uri) => ({ kind: 'resources', name: typeof uri === 'string' ? uri : undefined }))
}

function operationsOf(message: Record<string, unknown>): readonly Operation[] {
  const params = Object.hasOwn(message, 'params') ? message.params : undefined
  switch (text(message, 'method')) {
    case 'tools/call':
      return nameAs('tools', params, 'name')
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return nameAs('resources', params, 'uri')
    case 'subscriptions/listen':
      return subscriptionsOf(params)
    case 'prompts/get':
      return nameAs('prompts', params, 'name')
    case 'completion/complete': {
      const reference = isRecord(params) ? params.ref : undefined
      return text(reference, 'type') === 'ref/prompt'
        ? nameAs('prompts', reference, 'name')
        : nameAs('resources', reference, 'uri')
    }
    default:
      return []
  }
}

/** Whether an object is a request, a notification or an answer at all. */
function isMessage(record: Record<string, unknown>): boolean {
  return ['method', 'result', 'error'].some((member) => Object.hasOwn(record, member))
}

/**
 * Lists the operations of a parsed JSON-RPC body: one message or a batch. Batches are read at every
 * protocol version, since a server behind the guard may still execute them.
 */
export function parseMessage(body: unknown): ParsedMessage {
  const messages = Array.isArray(body) ? body : [body]
  if (messages.length === 0) return unreadable('batch_empty')
  const operations: Operation[] = []
  for (const message of messages) {
    if (!isRecord(message)) return unreadable('message_not_object')
    if (Object.hasOwn(message, 'method') && typeof message.method !== 'string') {
      return unreadable('method_not_string')
    }
    // A body parser that did not read the body leaves an empty object, and the message elsewhere.
    if (!isMessage(message)) return unreadable('not_a_message')
    operations.push(...operationsOf(message))
  }
  return { kind: 'operations', operations }
}

/**
 * Parses a raw body as the MCP SDKs do: UTF-8 with an optional byte order mark, then JSON. Repeated
 * members keep the last value, as in every JSON parser of the runtime.
 */
export function parseMessageBytes(bytes: Uint8Array): ParsedMessage {
  decoder.utf8 ??= new TextDecoder('utf-8')
  return parseMessageText(decoder.utf8.decode(bytes))
}

/** Parses a body that was already decoded to text. */
export function parseMessageText(body: string): ParsedMessage {
  let parsed: unknown
  try {
    parsed = JSON.parse(body.charCodeAt(0) === 0xfeff ? body.slice(1) : body)
  } catch {
    return unreadable('body_not_json')
  }
  return parseMessage(parsed)
}

const CHARSETS = /charset\s*=\s*"?([^";\s]*)/gi
const READABLE_CHARSET = /^(?:utf-8|utf8|us-ascii)$/i

/**
 * Whether a body can be read as the handler will read it. A compressed body or another charset could
 * decode to another message there than here.
 *
 * @returns `undefined` when it can, else the reason for a 415.
 */
export function unreadableEncoding(
  contentEncoding: string | undefined,
  contentType: string | undefined,
): string | undefined {
  if (contentEncoding !== undefined && !/^(?:identity)?$/i.test(contentEncoding.trim())) {
    return 'body_compressed'
  }
  // Every one that could be meant: of `x="charset=utf-8"; charset=utf-7` a body parser behind us reads
  // the second, and UTF-7 makes another message of the same bytes.
  for (const [, charset = ''] of (contentType ?? '').matchAll(CHARSETS)) {
    if (!READABLE_CHARSET.test(charset)) return 'body_charset'
  }
  return undefined
}
