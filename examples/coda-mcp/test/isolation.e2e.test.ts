import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recordFigure } from '../../../test/security/support/figures.js'
import { isLongForm } from '../../../test/security/support/long-form.js'
import { canaryOf } from './support/coda-accounts.js'
import { callTool } from './support/http-calls.js'
import { codaTokens, people, startForTwoPeople, type TwoPeople } from './support/two-people.js'

const requests = isLongForm ? 10_000 : 2_000
const atOnce = 16
/** Each so many requests of a person, one adds a row. */
const writeEvery = 10
const table = { docId: 'SampleDoc1', tableIdOrName: 'Tasks' }

let world: TwoPeople

beforeAll(async () => {
  world = await startForTwoPeople({ checked: false })
})
afterAll(async () => {
  await world.close()
})

describe('two people with a Coda token each', () => {
  it('P21 P24 get their own data in each of thousands of interleaved requests', async () => {
    const tokens = await Promise.all(people.map((person) => world.tokenOf(person)))
    const wrong: string[] = []
    const written = people.map((): string[] => [])
    const before = people.map((person) => world.coda.rowNamesOf(person))
    let next = 0

    /** Whose data an answer holds, and how much of it. */
    const countsOf = (text: string) => people.map((each) => text.split(canaryOf(each)).length - 1)
    async function read(turn: number, index: number): Promise<void> {
      const limit = 1 + (turn % 3)
      const parameters = { ...table, limit }
      const response = await callTool(
        world.server.resource,
        tokens[index],
        'coda_list_rows',
        parameters,
      )
      const text = await response.text()
      // Each row is in the text and in the structured output, with its name, its value and its link.
      const expected = people.map((_, each) => (each === index ? limit * 5 : 0))
      if (response.status === 200 && countsOf(text).join() === expected.join()) return
      wrong.push(`${turn}: ${response.status} ${countsOf(text).join()} ${text.slice(0, 200)}`)
    }
    async function write(turn: number, index: number): Promise<void> {
      const name = `${canaryOf(people[index] ?? '')} of turn ${turn}`
      const response = await callTool(world.server.resource, tokens[index], 'coda_upsert_rows', {
        ...table,
        rows: [{ cells: [{ column: 'Task', value: name }] }],
      })
      const text = await response.text()
      const counts = countsOf(text).filter((_, each) => each !== index)
      written[index]?.push(name)
      if (
        response.status === 200 &&
        !text.includes('"isError":true') &&
        counts.every((n) => n === 0)
      )
        return
      wrong.push(`${turn}: ${response.status} ${counts.join()} ${text.slice(0, 200)}`)
    }
    const worker = async (): Promise<void> => {
      while (next < requests) {
        const turn = next++
        const index = turn % people.length
        const isWrite = Math.floor(turn / people.length) % writeEvery === 0
        await (isWrite ? write(turn, index) : read(turn, index))
      }
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
    expect(wrong.slice(0, 5)).toEqual([])

    const sent = people.map(
      (person) =>
        world.coda.credentials.filter((value) => value === `Bearer ${codaTokens[person]}`).length,
    )
    expect(sent).toEqual([requests / 2, requests / 2])
    expect(world.coda.credentials).toHaveLength(requests)

    for (const [index, person] of people.entries()) {
      expect(written[index]).toHaveLength(requests / people.length / writeEvery)
      const names = () => [...world.coda.rowNamesOf(person)].sort()
      const expected = [...(before[index] ?? []), ...(written[index] ?? [])].sort()
      await expect.poll(names).toEqual(expected)
    }
    recordFigure({
      id: 'R22',
      part: 'two-people',
      values: { 'interleaved requests': requests, 'answers for somebody else': wrong.length },
      isMet: wrong.length === 0,
      method:
        'Two people with a credential each, 16 requests at once; answers, upstream credentials and written rows are compared.',
    })
  }, 300_000)
})
