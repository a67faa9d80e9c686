import { basename, resolve } from 'node:path'
import { isCancel, select, text } from '@clack/prompts'
import { CommandFailure } from '../failure.js'
import type { Host } from '../host.js'
import { drawingStream } from '../output/colors.js'
import {
  type Choice,
  DEFAULT_CHOICE,
  namesOf,
  STORES,
  type Store,
  WAYS_IN,
  type WayIn,
} from './choices.js'
import { packageNameProblem } from './package-name.js'

/** What the command line has said. */
export interface GivenAnswers {
  readonly folder: string | undefined
  readonly name: string | undefined
  readonly wayIn: WayIn | undefined
  readonly store: Store | undefined
}

/** Options for {@link completeAnswers}. */
export interface AskingOptions {
  readonly host: Host
  /** Whether a person can be asked. */
  readonly available: boolean
  /** `--yes`: takes the defaults and asks nobody. */
  readonly yes: boolean
  readonly color: boolean
}

/** Everything that has to be known to make a server. */
export interface Answers extends Choice {
  readonly folder: string
  readonly name: string
}

const DEFAULT_FOLDER = 'my-mcp-server'

function settle(value: string | symbol): string {
  if (isCancel(value)) throw new CommandFailure('interrupted', 'cancelled; nothing was changed')
  return String(value)
}

/** The name of the folder, for a package that is to have the same. */
function folderName(folder: string): string {
  return basename(resolve(folder))
}

/** Says which flags are missing where nobody can be asked. */
function requireGiven({ folder, wayIn, store }: GivenAnswers): void {
  const missing = [
    ...(folder === undefined ? ['the folder'] : []),
    ...(wayIn === undefined ? [`--way-in <${namesOf(WAYS_IN).join('|')}>`] : []),
    ...(store === undefined ? [`--store <${namesOf(STORES).join('|')}>`] : []),
  ]
  if (missing.length === 0) return
  throw new CommandFailure(
    'usage',
    `there is no terminal to ask; give ${missing.join(', ')}, or --yes to take the defaults`,
  )
}

/** The name, or what is wrong with it. Its folder alone is named: no other value is repeated. */
function checkName({ folder, name }: { folder: string; name: string | undefined }): string {
  const problem = packageNameProblem(name ?? folderName(folder))
  if (problem === undefined) return name ?? folderName(folder)
  throw new CommandFailure(
    'usage',
    name === undefined
      ? `the name of the folder cannot be that of an npm package, which ${problem}; give one with --name`
      : `--name ${problem}`,
  )
}

/**
 * Completes what the command line has left open: by the defaults with `--yes`, by questions where a
 * person sits at the terminal.
 *
 * @throws {@link CommandFailure} naming the flags to give when nobody can be asked, and for a folder or
 *   a name that cannot be.
 */
export async function completeAnswers(
  given: GivenAnswers,
  { host, available, yes, color }: AskingOptions,
): Promise<Answers> {
  if (given.folder === '') {
    // As from a variable of a shell that is not set: nobody has meant the current folder.
    throw new CommandFailure('usage', 'the folder is empty; "." is the current folder')
  }
  if (yes) {
    const {
      folder = DEFAULT_FOLDER,
      wayIn = DEFAULT_CHOICE.wayIn,
      store = DEFAULT_CHOICE.store,
    } = given
    return { folder, name: checkName({ folder, name: given.name }), wayIn, store }
  }
  if (!available) requireGiven(given)

  const output = drawingStream(host, color)
  const common = { input: host.stdin, output, signal: host.signal, withGuide: false }
  const choose = async <Name extends string>(
    message: string,
    table: Readonly<Record<Name, string>>,
  ): Promise<Name> => {
    // What every one is can be read without moving there.
    const width = Math.max(...namesOf(table).map((name) => name.length))
    const options = namesOf(table).map((value) => ({
      value,
      label: `${value.padEnd(width)}  ${table[value]}`,
    }))
    return settle(await select<string>({ ...common, message, options })) as Name
  }
  const folder =
    given.folder ??
    settle(
      await text({
        ...common,
        message: 'Folder of the new server',
        placeholder: DEFAULT_FOLDER,
        defaultValue: DEFAULT_FOLDER,
        validate: (value) => {
          const problem = packageNameProblem(folderName(value || DEFAULT_FOLDER))
          return given.name === undefined && problem !== undefined
            ? `The name of the folder ${problem}`
            : undefined
        },
      }),
    )
  const name = checkName({ folder, name: given.name })
  const wayIn = given.wayIn ?? (await choose('How do callers come in?', WAYS_IN))
  const store = given.store ?? (await choose('Where are upstream credentials kept?', STORES))
  return { folder, name, wayIn, store }
}
