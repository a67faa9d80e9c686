import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const ci = new URL('../../../.ci/image/', import.meta.url).href

interface Stage {
  readonly image: string
  readonly root: string
  readonly env: Readonly<Record<string, string>>
  readonly workdir: string
  readonly user?: string
  readonly volumes: readonly string[]
  readonly entrypoint?: readonly string[]
}
interface Ignore {
  ignores(path: string): boolean
}

// What CI runs is JavaScript without types: this is the one place that says what it exports.
const { parseDockerfile } = (await import(`${ci}dockerfile.mjs`)) as {
  parseDockerfile(text: string): Stage[]
}
const { parseDockerignore } = (await import(`${ci}dockerignore.mjs`)) as {
  parseDockerignore(text: string): Ignore
}
const { buildImage } = (await import(`${ci}build.mjs`)) as {
  buildImage(stages: readonly Stage[], options: object): Promise<Stage>
}
const { runIn } = (await import(`${ci}container.mjs`)) as {
  runIn(image: Stage, options: object): Promise<{ code: number; text: string }>
}
const { whyNoSandbox } = (await import(`${ci}sandbox.mjs`)) as {
  whyNoSandbox(): string | undefined
}

const noSandbox = whyNoSandbox()
if (noSandbox !== undefined) process.stderr.write(`[image] no sandbox: ${noSandbox}\n`)
const node = process.execPath
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-test-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Builds a Dockerfile with these files as its context. */
async function build(
  dockerfile: string,
  files: Record<string, string>,
  ignored = '',
): Promise<Stage> {
  const context = join(folder, 'context')
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(context, path)), { recursive: true })
    writeFileSync(join(context, path), text)
  }
  const ignore = parseDockerignore(ignored)
  const log = () => {}
  return await buildImage(parseDockerfile(dockerfile), { folder, context, ignore, node, log })
}

describe('parseDockerignore()', () => {
  const { ignores } = parseDockerignore(
    [
      '# comment',
      '*',
      '!packages',
      '!bench/package.json',
      '**/test',
      '**/.env.*',
      'packages/*.md',
    ].join('\n'),
  )

  it.each([
    ['README.md', true],
    ['packages/core/src/index.ts', false],
    ['packages/core/test', true],
    ['packages/core/test/deep/a.test.ts', true],
    ['packages/core/testing/a.ts', false],
    ['packages/core/.env.local', true],
    ['packages/a.md', true],
    ['packages/core/a.md', false],
    ['bench', true],
    ['bench/package.json', false],
    ['bench/run.mjs', true],
  ])('%s is left out: %s', (path, expected) => {
    expect(ignores(path)).toBe(expected)
  })

  it('lets the last rule that matches decide', () => {
    expect(parseDockerignore('!keep\n*').ignores('keep')).toBe(true)
    expect(parseDockerignore('*\n!keep').ignores('keep')).toBe(false)
  })
})

describe('parseDockerfile()', () => {
  it('reads what the image is started with', () => {
    const text = [
      'ARG IMAGE=node:24',
      'FROM $IMAGE',
      'ENV A=1 PATH=/own:$PATH',
      'WORKDIR /app',
      'VOLUME ["/data"]',
      'USER 7:8',
      'ENTRYPOINT ["node", "main.js"]',
    ].join('\n')
    const [stage] = parseDockerfile(text)
    expect(stage).toMatchObject({
      image: 'node:24',
      workdir: '/app',
      volumes: ['/data'],
      user: '7:8',
      entrypoint: ['node', 'main.js'],
    })
    expect(stage?.env.PATH).toMatch(/^\/own:\/usr\/local\/sbin:/)
  })

  it.each([
    ['an instruction that it does not know', 'FROM a\nADD x /x', 'ADD is not understood'],
    ['a flag that it does not know', 'FROM a\nCOPY --link x /x', 'COPY --link is not understood'],
    ['a variable that is not set', 'FROM $OTHER', '$OTHER is not set'],
    ['a command for a shell', 'FROM a\nENTRYPOINT node main.js', 'must be in JSON form'],
    ['nothing', '# nothing', 'has no FROM'],
  ])('refuses %s', (_, text, message) => {
    expect(() => parseDockerfile(text)).toThrow(message)
  })
})

describe('COPY', () => {
  it('takes the content of a folder without what is ignored', async () => {
    const files = { 'a/one.txt': '1', 'a/test/two.txt': '2', 'b.txt': '3' }
    const { root } = await build(
      'FROM base\nWORKDIR /app\nCOPY a into\nCOPY b.txt ./',
      files,
      '**/test',
    )
    expect(readFileSync(join(root, 'app/into/one.txt'), 'utf8')).toBe('1')
    expect(existsSync(join(root, 'app/into/test'))).toBe(false)
    expect(existsSync(join(root, 'app/b.txt'))).toBe(true)
  })

  it('takes from an earlier stage, and nothing else of it', async () => {
    const text =
      'FROM base AS first\nCOPY a.txt /made/\nCOPY a.txt /left/\nFROM base\nCOPY --from=first /made /here'
    const { root } = await build(text, { 'a.txt': '1' })
    expect(existsSync(join(root, 'here/a.txt'))).toBe(true)
    expect(existsSync(join(root, 'left'))).toBe(false)
  })

  it.each([
    ['what is not there', 'COPY missing.txt /', 'not in the context'],
    ['what is ignored', 'COPY hidden.txt /', 'not in the context'],
    ['several files into a name', 'COPY a.txt b.txt /target', 'ends in /'],
    ['an unknown stage', 'COPY --from=nobody / /', 'no such stage'],
  ])('refuses %s', async (_, line, message) => {
    const files = { 'a.txt': '', 'b.txt': '', 'hidden.txt': '' }
    await expect(build(`FROM base\n${line}`, files, 'hidden.txt')).rejects.toThrow(message)
  })
})

describe.skipIf(noSandbox !== undefined)('RUN and the start', () => {
  it('runs in the folder and with the variables of the image, and changes nothing outside', async () => {
    const text = 'FROM base\nENV NAME=made\nWORKDIR /app\nRUN echo "$NAME" > file && mkdir -p /data'
    const { root } = await build(text, { 'a.txt': '' })
    expect(readFileSync(join(root, 'app/file'), 'utf8')).toBe('made\n')
    expect(lstatSync(join(root, 'data')).isDirectory()).toBe(true)
  })

  it('fails with a command that fails', async () => {
    await expect(build('FROM base\nRUN exit 3', { 'a.txt': '' })).rejects.toThrow('ended with 3')
  })

  it('starts as the user, without capabilities, and with one folder to write to', async () => {
    const text = 'FROM base\nRUN install -d -o 7 -g 8 /data\nVOLUME ["/data"]\nUSER 7:8'
    const image = await build(text, { 'a.txt': '' })
    const script =
      'id -u; id -g; touch /data/x && echo data; touch /x || touch /tmp/x || echo closed'
    const { code, text: said } = await runIn(image, { node, command: ['/bin/sh', '-c', script] })
    expect(code).toBe(0)
    expect(said.split('\n').filter((line) => !line.startsWith('touch'))).toEqual([
      '7',
      '8',
      'data',
      'closed',
      '',
    ])
  })
})
