import { statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** Where files are that the site does not show. */
export const REPOSITORY = 'https://github.com/bestviable/mcp-auth-middleware'

function kindOf(path: string): 'tree' | 'blob' {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? 'tree' : 'blob'
}

/**
 * The address of a link on the site. Links between pages stay as they are; one that leads out of
 * `docs/`, or to a file that is no page, becomes an address of the repository.
 *
 * @param docs - absolute path of `docs/`.
 * @param page - absolute path of the page with the link.
 */
export function siteLink(docs: string, page: string, target: string): string {
  if (/^(?:[a-z]+:|#|\/)/.test(target)) return target
  const [file = '', anchor] = target.split('#')
  const path = join(dirname(page), file)
  const inside = relative(docs, path)
  if (!inside.startsWith('..') && (inside.endsWith('.md') || /\.(?:png|svg)$/.test(inside))) {
    return target
  }
  const fromRoot = relative(join(docs, '..'), path)
  const suffix = anchor === undefined ? '' : `#${anchor}`
  return `${REPOSITORY}/${kindOf(path)}/main/${fromRoot}${suffix}`
}

/** Anchor of a heading as GitHub makes it, so that links work in both places. */
export function slugify(heading: string): string {
  const plain = heading.trim().toLowerCase()
  return plain.replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-')
}
