import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Names and versions that third-party notices are about, by their headings `## name version`. */
export function parseNotices(text) {
  return [...text.matchAll(/^## (\S+) (\d\S*)$/gm)].map(([, name, version]) => ({ name, version }))
}

/** What is bundled into a package, as the notices in its folder say. */
export function bundledInto(folder) {
  const path = join(folder, 'THIRD-PARTY-NOTICES.md')
  return existsSync(path) ? parseNotices(readFileSync(path, 'utf8')) : []
}
