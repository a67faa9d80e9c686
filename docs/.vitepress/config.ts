import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import { REPOSITORY, siteLink, slugify } from './links.js'
import { buildSidebar } from './sidebar.js'

const docs = fileURLToPath(new URL('..', import.meta.url))

export default defineConfig({
  title: 'mcp-auth-middleware',
  description: 'OAuth 2.1 for MCP servers: resource server, authorization server and stores',
  lang: 'en-GB',
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  srcExclude: ['test/**'],
  // A link to a page that does not exist ends the build; .ci/check-docs.mjs looks at the headings.
  ignoreDeadLinks: false,
  // The search index of all pages is one file of about a megabyte.
  vite: { build: { chunkSizeWarningLimit: 2000 } },
  markdown: {
    // Pages are plain Markdown: `<token>` in a sentence is text and no element.
    html: false,
    anchor: { slugify },
    config(md) {
      md.core.ruler.push('site-links', ({ tokens, env }) => {
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          const href = token.type === 'link_open' ? token.attrGet('href') : null
          if (href !== null) token.attrSet('href', siteLink(docs, env.path, href))
        }
      })
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: { level: [2, 3] },
    nav: [
      { text: 'Add to a server', link: '/guides/add-to-existing-server' },
      { text: 'Troubleshooting', link: '/TROUBLESHOOTING' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: buildSidebar(docs).map((group) => ({ ...group, items: [...group.items] })),
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
  },
})
