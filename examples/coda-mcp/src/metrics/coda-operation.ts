interface Paths {
  readonly [segment: string]: Paths
}

const id = (below: Paths = {}): Paths => ({ '*': below })

/** The paths of the Coda API below its base URL; `*` stands for an id or a name. */
const paths: Paths = {
  whoami: {},
  resolveBrowserLink: {},
  categories: {},
  mutationStatus: id(),
  folders: id(),
  docs: id({
    pages: id({ content: id(), export: id() }),
    tables: id({ columns: id(), rows: id({ buttons: id() }) }),
    formulas: id(),
    controls: id(),
    acl: { metadata: {}, settings: {}, permissions: id(), principals: { search: {} } },
    sharing: { metadata: {} },
    publish: {},
    hooks: { automation: id() },
    customDomains: id(),
  }),
  domains: { provider: id() },
  analytics: {
    docs: { summary: {}, ...id({ pages: {} }) },
    packs: { summary: {}, ...id({ formulas: {} }) },
    updated: {},
  },
  workspaces: id({ users: { role: {} }, roles: {} }),
}
const methods: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])

/** Names a request to Coda without what it is about: one of a fixed number of names. */
export function codaOperationOf(baseUrl: string, method: string, url: URL): string {
  const base = new URL(baseUrl).pathname.replace(/\/+$/, '')
  if (!methods.has(method) || !url.pathname.startsWith(`${base}/`)) return 'other'
  const named: string[] = []
  let below = paths
  for (const segment of url.pathname.slice(base.length + 1).split('/')) {
    // A name of the API first; a doc or a table that has the name of one is behind an id.
    const name = segment !== '*' && Object.hasOwn(below, segment) ? segment : '*'
    const next = below[name]
    if (next === undefined) return 'other'
    named.push(name)
    below = next
  }
  return `${method} /${named.join('/')}`
}
