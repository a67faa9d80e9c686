/*
 * The few things that differ between Node.js, Deno, Bun and Workers. Everything else in the core uses
 * web-standard globals, and nothing here runs before the first call.
 */

interface NodeCrypto {
  readonly hash?: (algorithm: string, data: string | Uint8Array, encoding: 'base64url') => string
  createHash(algorithm: string): {
    update(data: string | Uint8Array): { digest(encoding: 'base64url'): string }
  }
  createSecretKey(key: Uint8Array): object
  createHmac(
    algorithm: string,
    key: object,
  ): { update(data: string): { digest(encoding: 'base64url'): string } }
}

interface NodeV8 {
  getHeapStatistics?(): { readonly heap_size_limit?: number }
}

interface ProcessLike {
  getBuiltinModule?(name: 'node:crypto'): NodeCrypto | undefined
  getBuiltinModule?(name: 'node:v8'): NodeV8 | undefined
  emitWarning?(message: string, options: { type: string; code: string }): void
}

let nodeCrypto: NodeCrypto | undefined
let nodeCryptoLooked = false

function currentProcess(): ProcessLike | undefined {
  return Reflect.get(globalThis, 'process') as ProcessLike | undefined
}

function builtinCrypto(): NodeCrypto | undefined {
  if (!nodeCryptoLooked) {
    nodeCryptoLooked = true
    // A look-up at run time: a static import would keep the core from loading on Workers without the
    // Node compatibility flag.
    nodeCrypto = currentProcess()?.getBuiltinModule?.('node:crypto')
  }
  return nodeCrypto
}

const encoder = new TextEncoder()

function base64url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/**
 * SHA-256 of a UTF-8 string as base64url. Synchronous where the runtime has `node:crypto` (1 us for
 * a token against 40 us for WebCrypto), a promise elsewhere.
 */
export function sha256(text: string): string | Promise<string> {
  const crypto = builtinCrypto()
  if (crypto === undefined) {
    return globalThis.crypto.subtle
      .digest('SHA-256', encoder.encode(text))
      .then((digest) => base64url(new Uint8Array(digest)))
  }
  if (crypto.hash !== undefined) return crypto.hash('sha256', text, 'base64url')
  return crypto.createHash('sha256').update(text).digest('base64url')
}

/** Random bytes as base64url. */
export function randomBase64url(bytes: number): string {
  return base64url(globalThis.crypto.getRandomValues(new Uint8Array(bytes)))
}

/**
 * A synchronous HMAC-SHA-256 over UTF-8 text, base64url.
 *
 * @param key - base64url.
 * @throws TypeError where the runtime has no `node:crypto`; on Workers enable `nodejs_compat`.
 */
export function createHmacSha256(key: string): (text: string) => string {
  const crypto = builtinCrypto()
  if (crypto === undefined) {
    throw new TypeError(
      'session ids need node:crypto; enable the Node compatibility of this runtime',
    )
  }
  const bytes = Uint8Array.from(atob(key.replace(/-/g, '+').replace(/_/g, '/')), (character) =>
    character.charCodeAt(0),
  )
  // A KeyObject made once; passing raw bytes costs five times as much per call on Node 24.
  const secret = crypto.createSecretKey(bytes)
  return (text) => crypto.createHmac('sha256', secret).update(text).digest('base64url')
}

/**
 * Whether promises and timers may outlive the request that made them. On Cloudflare Workers they may
 * not: awaiting another request's promise hangs.
 */
export function sharesPromises(): boolean {
  const agent: unknown = Reflect.get(globalThis, 'navigator')?.userAgent
  return agent !== 'Cloudflare-Workers'
}

/** The most bytes that the JavaScript heap may have, or `undefined` where the runtime does not tell. */
export function heapLimitBytes(): number | undefined {
  const heap = currentProcess()?.getBuiltinModule?.('node:v8')?.getHeapStatistics?.()
  const bytes = heap?.heap_size_limit
  return bytes !== undefined && bytes > 0 ? bytes : undefined
}

/** Reports something once to whoever watches the process, where there is such a channel. */
export function emitWarning(message: string, code: string): void {
  const process = currentProcess()
  if (process?.emitWarning !== undefined) {
    process.emitWarning(message, { type: 'McpAuthWarning', code })
  } else {
    console.warn(`${code}: ${message}`)
  }
}
