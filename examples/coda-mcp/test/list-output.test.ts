import { describe, expect, it } from 'vitest'
import { readList } from '../src/tools/list-output.js'

interface Item {
  readonly id: number
  readonly text: string
}

const pages: Record<string, { items: Item[]; nextPageToken?: string }> = {
  first: {
    items: [1, 2, 3, 4, 5].map((id) => ({ id, text: 'x'.repeat(40) })),
    nextPageToken: 'second',
  },
  second: {
    items: [
      { id: 6, text: 'y'.repeat(500) },
      { id: 7, text: 'z' },
    ],
  },
}

async function read(nextPageToken?: string) {
  return await readList({
    what: 'things',
    nextPageToken,
    read: async (pageToken = 'first') => pages[pageToken] ?? { items: [] },
    project: (item: Item) => item,
    describe: ({ text }) => text,
    maxCharacters: 150,
  })
}

describe('readList()', () => {
  it('cuts between items and goes on where it stopped, so that every item comes once', async () => {
    const ids: number[][] = []
    let token: string | undefined
    do {
      const { structured, text } = await read(token)
      ids.push(structured.items.map(({ id }) => id))
      token = structured.nextPageToken
      expect(text.includes('There are more things')).toBe(token !== undefined)
    } while (token !== undefined)
    expect(ids).toEqual([[1, 2], [3, 4], [5], [6], [7]])
  })

  it('returns an item that is too large alone and whole', async () => {
    const { structured } = await read('second')
    expect(structured.items).toEqual([{ id: 6, text: 'y'.repeat(500) }])
  })

  it('says so when there is nothing', async () => {
    expect(await read('empty')).toEqual({ structured: { items: [] }, text: 'No things.' })
  })

  it('refuses a token that does not fit the page', async () => {
    await expect(read('skip-5.')).rejects.toThrow(/does not fit/)
    await expect(read('skip-4.')).resolves.toBeDefined()
  })
})
