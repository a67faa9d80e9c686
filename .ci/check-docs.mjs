// Builds the site, and checks what the builder does not: that every page is in the navigation and in
// the search, and that every link leads to a page and a heading that exist.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, posix, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SITE = join(ROOT, 'docs/.vitepress/dist')
const problems = []
const started = Date.now()

function run(command, parameters) {
  const { status } = spawnSync(command, parameters, { cwd: ROOT, stdio: 'inherit' })
  if (status === 0) return
  console.error(`FAIL ${command} ${parameters.join(' ')} ended with ${status}`)
  process.exit(1)
}

function filesBelow(folder, ending) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return filesBelow(path, ending)
    return entry.name.endsWith(ending) ? [path] : []
  })
}

const decode = (text) => text.replaceAll('&amp;', '&').replaceAll('&quot;', '"')

/** The pages as built: `/guides/mounting.html`, with what they link to and what can be linked to. */
function readPages() {
  return new Map(
    filesBelow(SITE, '.html').map((path) => {
      const html = readFileSync(path, 'utf8')
      const ids = new Set([...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => decode(id)))
      const links = [...html.matchAll(/<a\s[^>]*href="([^"]+)"/g)].map(([, href]) => decode(href))
      const sidebar = /<aside class="VPSidebar"[\s\S]*?<\/aside>/.exec(html)?.[0] ?? ''
      const entries = [...sidebar.matchAll(/href="([^"]+)"/g)].map(([, href]) => decode(href))
      return [`/${relative(SITE, path)}`, { ids, links, entries }]
    }),
  )
}

/** The page that a link leads to, as `readPages` calls it. */
function targetOf(page, href) {
  const [path, anchor] = href.split('#')
  const full = path === '' ? page : posix.resolve(posix.dirname(page), decodeURI(path))
  if (path.endsWith('/')) return [`${full === '/' ? '' : full}/index.html`, anchor]
  return [full.endsWith('.html') ? full : `${full}.html`, anchor]
}

function checkLinks(pages) {
  let count = 0
  for (const [page, { links }] of pages) {
    for (const href of new Set(links)) {
      if (/^[a-z]+:/.test(href)) continue
      count += 1
      const [target, anchor] = targetOf(page, href)
      const found = pages.get(target)
      if (found === undefined) problems.push(`${page}: no page ${href}`)
      else if (anchor && !found.ids.has(decodeURIComponent(anchor))) {
        problems.push(`${page}: no heading ${href}`)
      }
    }
  }
  return count
}

function checkNavigation(pages) {
  const home = '/index.html'
  const reached = new Set((pages.get(home)?.entries ?? []).map((href) => targetOf(home, href)[0]))
  for (const page of pages.keys()) {
    if (page !== home && page !== '/404.html' && !reached.has(page)) {
      problems.push(`${page} is not in the navigation`)
    }
  }
  return reached.size
}

function checkSearch(pages) {
  const [path] = filesBelow(SITE, '.js').filter((each) => each.includes('@localSearchIndex'))
  const index = path === undefined ? '' : readFileSync(path, 'utf8')
  for (const page of pages.keys()) {
    const address = page.replace(/(?:index)?\.html$/, '')
    const isFound = [page, address].some((each) => index.includes(`${each}#`))
    if (page !== '/404.html' && !isFound) {
      problems.push(`${page} is not in the search index`)
    }
  }
}

// With --built the site that is there is checked once more.
if (!process.argv.includes('--built')) {
  rmSync(join(ROOT, 'docs/api'), { recursive: true, force: true })
  rmSync(SITE, { recursive: true, force: true })
  run(process.execPath, ['docs/generate-compliance.mjs', '--check'])
  run('npm', ['run', '--silent', 'docs:build'])
}
const pages = readPages()
const links = checkLinks(pages)
const entries = checkNavigation(pages)
checkSearch(pages)
const seconds = (Date.now() - started) / 1000
for (const problem of problems) console.error(`FAIL ${problem}`)
console.log(
  `${pages.size} pages, ${entries} in the navigation, ${links} links, ${seconds.toFixed(0)} s`,
)
process.exitCode = problems.length === 0 ? 0 : 1
