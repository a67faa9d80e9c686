import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GROUPS } from './order.js'

/** A page in the navigation. */
export interface SidebarPage {
  readonly text: string
  /** As the site has it, such as `/guides/mounting`. */
  readonly link: string
}

/** A group in the navigation. */
export interface SidebarGroup {
  readonly text: string
  readonly collapsed: boolean
  readonly items: readonly SidebarPage[]
}

/** Folders of `docs/` that hold no page. */
const NO_PAGES = new Set(['.vitepress', 'images', 'test'])

/** Paths of all pages below `docs/`, sorted. */
export function listPages(docs: string, folder = ''): string[] {
  return readdirSync(join(docs, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) return NO_PAGES.has(path) ? [] : listPages(docs, path)
      return entry.name.endsWith('.md') ? [path] : []
    })
    .sort()
}

function titleOf(docs: string, path: string): string {
  const heading = /^# (.+)$/m.exec(readFileSync(join(docs, path), 'utf8'))?.[1]
  if (heading === undefined) throw new Error(`${path} has no heading`)
  const plain = heading.replaceAll('`', '').replaceAll('\\', '')
  // What the group says already, and the scope that all packages share.
  return plain.replace(/^(?:Provider|Client|Way in): |^@bestviable\//, '')
}

/**
 * The navigation: groups and order from `order.ts`, pages from the file tree, so that no page can be
 * left out. The home page is no part of it.
 *
 * @throws when a page that `order.ts` names does not exist, or a page fits in no group.
 */
export function buildSidebar(docs: string, groups = GROUPS): SidebarGroup[] {
  const free = new Set(listPages(docs).filter((path) => path !== 'index.md'))
  const named = groups.flatMap(({ pages }) => pages)
  // The API reference is generated, and absent until it is.
  const missing = named.filter((path) => !path.startsWith('api/') && !existsSync(join(docs, path)))
  if (missing.length > 0) throw new Error(`order.ts names pages that do not exist: ${missing}`)
  for (const path of named) free.delete(path)
  const built = groups.map(({ title, isClosed = false, pages, rest }) => {
    const others = [...free].filter((path) => rest?.test(path))
    for (const path of others) free.delete(path)
    return {
      text: title,
      collapsed: isClosed,
      items: [...pages, ...others]
        .filter((path) => existsSync(join(docs, path)))
        .map((path) => ({
          text: titleOf(docs, path),
          link: `/${path.replace(/(?:index)?\.md$/, '')}`,
        })),
    }
  })
  if (free.size > 0) throw new Error(`no group of order.ts has a place for ${[...free]}`)
  return built.filter(({ items }) => items.length > 0)
}
