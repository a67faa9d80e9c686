import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChildServer, spawnServer } from '../../examples/coda-mcp/test/support/child-server.js'
import { findFreePort } from '../../examples/coda-mcp/test/support/free-port.js'
import { approve } from '../../examples/coda-mcp/test/support/person.js'
import {
  acceptanceSteps,
  answerDifferences,
  differences,
  parseMessage,
  type Step,
} from './acceptance-page.js'

const execute = promisify(execFile)
const hasCurl = spawnSync('curl', ['--version']).status === 0
if (!hasCurl && process.env.CI) throw new Error('these tests need curl')
const steps = acceptanceSteps()

describe('docs/reference/acceptance-commands.md', () => {
  it('shows the answer to every command', () => {
    const lonely = steps.filter(({ commands, answer }) => commands !== '' && answer === undefined)
    expect(lonely).toEqual([])
    expect(steps.length).toBeGreaterThan(25)
  })

  it('is compared exactly, but for what it leaves open', () => {
    expect(differences('a … c', 'a b c')).toEqual([])
    expect(differences('a … c', 'a b d')).toEqual(['body is "a b d"'])
    expect(differences({ at: 1795318659, left: 60 }, { at: 1895318659, left: 60 })).toEqual([])
    expect(differences({ left: 60 }, { left: 61 })).toEqual(['body.left is 61'])
    expect(differences({ a: 1 }, { a: 1, b: '2' })).toEqual(['body.b is "2"'])
    expect(differences({ a: '…' }, {})).toEqual(['body.a is missing'])
    const shown = { kind: 'http', text: 'HTTP/1.1 200 OK\nx-a: 1' } as const
    expect(answerDifferences(shown, 'HTTP/1.1 200 OK\r\nX-A: 1\r\nb: 2\r\n\r\n')).toEqual([])
    expect(answerDifferences(shown, 'HTTP/1.1 200 OK\r\nb: 2\r\n\r\n')).toHaveLength(1)
  })
})

describe.skipIf(!hasCurl)(
  `the acceptance commands${hasCurl ? '' : ' (skipped: there is no curl)'}`,
  () => {
    let server: ChildServer
    let origin = ''
    beforeAll(async () => {
      const port = String(await findFreePort())
      origin = `http://localhost:${port}`
      // As `npm start` starts it, with nothing configured but the port.
      server = spawnServer({ PORT: port })
      await server.listening()
    }, 120_000)
    afterAll(() => server.close())

    /** What the reader has in variables, and where the browser ended. */
    const variables: Record<string, string> = {}
    let answered: object = {}

    /** The page with the address of this server in the place of that of `npm start`. */
    const here = (text: string): string =>
      text
        .replaceAll('http://localhost:8080', origin)
        .replaceAll(encodeURIComponent('http://localhost:8080'), encodeURIComponent(origin))

    /** Signs in as the reader is told to: the first address of "Authorization", in a browser. */
    async function signIn(): Promise<string> {
      const command = steps.find(({ commands }) => commands.includes('/oauth/authorize?'))?.commands
      const url = /"(http[^"]+)"/.exec(here(command ?? ''))?.[1] ?? ''
      const page = url.replace('$CLIENT_ID', variables.CLIENT_ID ?? '')
      return (await approve(new URL(page))).searchParams.get('code') ?? ''
    }

    async function takeVariables({ exports }: Step): Promise<void> {
      for (const { name, member, from } of exports) {
        const value = from === 'address' ? await signIn() : Reflect.get(answered, member)
        expect(value, `${member} of the ${from}`).toMatch(/./)
        variables[name] = String(value)
      }
    }

    // One after the other, since later commands use what earlier ones answered.
    it('answer what the page says', { timeout: 60_000 }, async () => {
      const problems: string[] = []
      for (const step of steps) {
        await takeVariables(step)
        if (step.answer === undefined) continue
        const { stdout } = await execute('sh', ['-c', here(step.commands)], {
          env: { PATH: process.env.PATH, ...variables },
        })
        const answer = { ...step.answer, text: here(step.answer.text) }
        const found = answerDifferences(answer, stdout)
        if (found.length > 0) problems.push(`${step.commands}\n  ${found.join('\n  ')}`)
        const { body } = parseMessage(stdout)
        if (body.startsWith('{')) answered = JSON.parse(body) as object
      }
      expect(problems).toEqual([])
    })
  },
)
