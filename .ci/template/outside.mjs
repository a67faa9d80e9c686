// Loaded before a program: answers requests to hosts outside from a file, and lets none leave the machine.
import { readFileSync } from 'node:fs'

const { OUTSIDE_PAGES = '' } = process.env
const pages = JSON.parse(readFileSync(OUTSIDE_PAGES, 'utf8'))
// Pages of other origins may read what is public.
const headers = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers': '*',
}
const fetchOnLoopback = globalThis.fetch

globalThis.fetch = async (input, init) => {
  const url = input instanceof Request ? input.url : String(input)
  const method = init?.method ?? (input instanceof Request ? input.method : 'GET')
  if (Object.hasOwn(pages, url) && method === 'GET') return Response.json(pages[url], { headers })
  const { origin, hostname } = new URL(url)
  if (['127.0.0.1', 'localhost'].includes(hostname)) return await fetchOnLoopback(input, init)
  const isKnown = Object.keys(pages).some((page) => new URL(page).origin === origin)
  if (isKnown && method === 'OPTIONS') return new Response(null, { status: 204, headers })
  if (isKnown) return Response.json({ error: 'not_found' }, { status: 404, headers })
  throw new TypeError(`fetch failed: ${origin} is outside`)
}
