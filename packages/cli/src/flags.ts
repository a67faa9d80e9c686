import { InvalidArgumentError, Option } from 'commander'
import * as z from 'zod/mini'
import { STORE_KINDS } from './configuration/store-settings.js'

/** Parses a flag that is a whole number from 1. */
export function parseCount(text: string): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (number < 1) throw new InvalidArgumentError('It must be a whole number from 1.')
  return number
}

/** Creates the parser of a flag that is a whole number from 1 to a limit. */
export function countUpTo(maximum: number): (text: string) => number {
  return (text) => {
    const number = parseCount(text)
    if (number <= maximum) return number
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${maximum}.`)
  }
}

/** Flags that every command has. */
export function commonFlags(): Option[] {
  return [
    new Option('--json', 'write JSON to stdout, for scripts'),
    new Option('--quiet', 'no progress and no remarks on stderr'),
    new Option('--yes', 'confirm in advance what would be asked'),
    new Option('--no-color', 'no colours; NO_COLOR and FORCE_COLOR are honoured too'),
    new Option('--env-file <file>', 'read variables from a dotenv file; those that are set win'),
    new Option('--debug', 'show the causes of an error, without any value'),
  ]
}

/** Members of {@link commonFlags}. */
export const commonOptions = {
  json: z._default(z.boolean(), false),
  quiet: z._default(z.boolean(), false),
  yes: z._default(z.boolean(), false),
  color: z.boolean(),
  envFile: z.optional(z.string()),
  debug: z._default(z.boolean(), false),
}

const namespaceFlag = () => new Option('--namespace <name>', 'namespace of the server')
const schemaFlag = () => new Option('--schema <name>', 'schema of the tables in PostgreSQL')
const dataDirFlag = () => new Option('--data-dir <folder>', 'folder of the embedded database')

/** The file that says how environment variables are named. */
export function envNamesFlag(): Option {
  return new Option('--env-names <file>', 'JSON with prefix, providers and users of the env store')
}

/** Flags of commands that use one store. */
export function storeFlags(): Option[] {
  return [
    new Option('--store <kind>', `store to use: ${STORE_KINDS.join(', ')}`),
    namespaceFlag(),
    schemaFlag(),
    dataDirFlag(),
    envNamesFlag(),
  ]
}

/** Members of {@link storeFlags}. */
export const storeOptions = {
  store: z.optional(z.string()),
  namespace: z.optional(z.string()),
  schema: z.optional(z.string()),
  dataDir: z.optional(z.string()),
  envNames: z.optional(z.string()),
}

/** Flags of commands that use the database itself. */
export function databaseFlags(): Option[] {
  return [schemaFlag(), dataDirFlag()]
}

/** Members of {@link databaseFlags}. */
export const databaseOptions = {
  schema: z.optional(z.string()),
  dataDir: z.optional(z.string()),
}

/** Flags that say whose credential is meant. */
export function ownerFlags(): Option[] {
  return [
    new Option('--service', 'the credential of the server itself; the default'),
    new Option('--issuer <url>', 'with --subject: the credential of one user'),
    new Option('--subject <text>', 'with --issuer: the credential of one user'),
  ]
}

/** Members of {@link ownerFlags}. */
export const ownerOptions = {
  service: z._default(z.boolean(), false),
  issuer: z.optional(z.string()),
  subject: z.optional(z.string()),
}
