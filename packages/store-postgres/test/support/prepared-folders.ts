import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'

const HOME = fileURLToPath(new URL('../../node_modules/.cache/prepared/', import.meta.url))

/**
 * For Node.js that opens a PGlite database for a test. V8 would compile its WebAssembly a second time, for a
 * speed that thousands of statements would have to repay: half of what such a test costs.
 */
export const pgliteFlag = '--liftoff-only'
setFlagsFromString(pgliteFlag)

/** Copies a folder with its owners and modes. */
export function copyFolder(from: string, to: string): void {
  const { status, error, stderr } = spawnSync('cp', ['-a', from, to], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${from} was not copied: ${error?.message ?? stderr}`)
}

/**
 * Keeps what `make` put into a folder, for all test files and the runs after this one.
 *
 * @param name of what is in it, with everything that it depends on.
 * @returns the path of the folder. Copy it; nobody may write there.
 */
export function keepFolder(name: string, make: (draft: string) => void): string {
  const folder = join(HOME, name)
  if (existsSync(folder)) return folder
  const draft = `${folder}.${process.pid}`
  mkdirSync(HOME, { recursive: true })
  rmSync(draft, { recursive: true, force: true })
  make(draft)
  try {
    renameSync(draft, folder)
  } catch (error) {
    // Another process was quicker.
    if (!existsSync(folder)) throw error
    rmSync(draft, { recursive: true, force: true })
  }
  return folder
}

const MAKE_PGLITE = `
const { PGlite } = await import('@electric-sql/pglite')
const pglite = await PGlite.create({ dataDir: 'file://' + process.env.DRAFT })
await pglite.close()
`

let pglite: string | undefined

function preparedPglite(): string {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  const program = readFileSync(join(dirname(entry), 'pglite.wasm'))
  const digest = createHash('sha256').update(program).digest('hex').slice(0, 16)
  return keepFolder(`pglite-${digest}`, (draft) => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [pgliteFlag, '--input-type=module', '-e', MAKE_PGLITE],
      { cwd: dirname(entry), env: { PATH: process.env.PATH, DRAFT: draft }, encoding: 'utf8' },
    )
    if (status !== 0) throw new Error(`PGlite made no database: ${stderr}`)
  })
}

/**
 * Puts an empty PGlite database where the product would make one in a data folder, which takes seconds
 * of work each time. How the product makes one is tested in `pglite-database.test.ts`.
 */
export function fillWithPglite(dataDir: string): void {
  pglite ??= preparedPglite()
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  copyFolder(pglite, join(dataDir, 'pglite'))
}
