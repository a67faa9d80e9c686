import * as z from 'zod'
import type { CodaPage } from '../coda/schemas.js'

export const PageOutput = z.object({
  id: z.string(),
  name: z.string(),
  subtitle: z.string().optional(),
  contentType: z.string().describe('Only canvas pages have text content'),
  isHidden: z.boolean(),
  browserLink: z.string(),
  parentId: z.string().optional(),
  childIds: z.array(z.string()),
  updatedAt: z.string().optional(),
})
export type PageOutput = z.infer<typeof PageOutput>

export function projectPage(page: CodaPage): PageOutput {
  return {
    id: page.id,
    name: page.name,
    subtitle: page.subtitle,
    contentType: page.contentType,
    isHidden: page.isHidden,
    browserLink: page.browserLink,
    parentId: page.parent?.id,
    childIds: page.children.map(({ id }) => id),
    updatedAt: page.updatedAt,
  }
}

export function describePage(page: PageOutput): string {
  const parent = page.parentId === undefined ? '' : `, below ${page.parentId}`
  const hidden = page.isHidden ? ', hidden' : ''
  return `${page.id}: ${JSON.stringify(page.name)}, ${page.contentType}${parent}${hidden}, ${page.browserLink}`
}
