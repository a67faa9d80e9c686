import { vi } from 'vitest'

/**
 * Replaces the network outside of this machine until `restore` is called: `answers` by URL, everything
 * else cannot be reached. Loopback stays as it is.
 */
export function replaceOutside(answers: Readonly<Record<string, () => Promise<string>>>): {
  restore(): void
} {
  const real = globalThis.fetch
  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    if (['localhost', '127.0.0.1'].includes(url.hostname)) return await real(input, init)
    const answer = answers[url.href]
    if (answer === undefined) throw new TypeError('fetch failed')
    return new Response(await answer(), { headers: { 'content-type': 'application/json' } })
  })
  return { restore: () => spy.mockRestore() }
}
