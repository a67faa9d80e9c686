import { readFileSync } from 'node:fs'
import type { ClientInput } from '@bestviable/mcp-authorization-server/management'
import { InvalidArgumentError, Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { CommandFailure } from '../../failure.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import {
  requireTarget,
  secretFlags,
  secretOptions,
  writeSecret,
} from '../../management/client-secret.js'
import { asking, withManagement } from '../../management/with-management.js'

const METHODS = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const
const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials'] as const
const NAMES = {
  clientName: '--name',
  redirectUris: '--redirect-uri',
  tokenEndpointAuthMethod: '--auth-method',
  grantTypes: '--grant',
  scopes: '--scope',
  jwks: '--jwks-file',
  jwksUri: '--jwks-uri',
} as const

const collect = (value: string, known: readonly string[] = []): string[] => [...known, value]

function collectGrant(value: string, known: readonly string[] = []): string[] {
  if (GRANTS.some((grant) => grant === value)) return [...known, value]
  throw new InvalidArgumentError(`Allowed choices are ${GRANTS.join(', ')}.`)
}

function readKeys(path: string | undefined): ClientInput['jwks'] {
  if (path === undefined) return undefined
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    // The message of a JSON error quotes the text.
    const reason = error instanceof SyntaxError ? 'is not JSON' : 'cannot be read'
    throw new CommandFailure('usage', `--jwks-file: the file ${reason}`)
  }
}

/** `mcp-auth clients create` */
export const clientsCreate = defineCommand({
  path: 'clients create',
  summary: 'Register a client, and show its secret this once',
  details:
    'Checked by the rules of dynamic registration. A secret has 256 bits and is stored as a hash only: nobody can show it again. Programs without people (--grant client_credentials) need --scope; a scope that no resource has is found when the program asks for a token.',
  flags: [
    new Option('--name <text>', 'name that people see').makeOptionMandatory(),
    new Option('--redirect-uri <uri>', 'where answers go; can be repeated').argParser(collect),
    new Option('--auth-method <method>', 'how it proves who it is').choices(METHODS),
    new Option('--grant <type>', 'what it may ask for; can be repeated')
      .choices(GRANTS)
      .argParser(collectGrant),
    new Option('--scope <scope>', 'of client_credentials; can be repeated').argParser(collect),
    new Option('--jwks-file <file>', 'public keys of private_key_jwt, as a JWK Set'),
    new Option('--jwks-uri <url>', 'where these keys are instead'),
    ...secretFlags(),
    ...databaseFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command:
        'npx @bestviable/mcp-auth-cli clients create --name Reports --redirect-uri https://reports.example.com/callback --auth-method client_secret_basic --output reports-secret',
      explains: 'A web application; its secret goes into a file for you only',
    },
    {
      command:
        'npx @bestviable/mcp-auth-cli clients create --name Nightly --grant client_credentials --scope coda.read',
      explains: 'A program without people',
    },
  ],
  options: z.strictObject({
    ...commonOptions,
    ...databaseOptions,
    ...secretOptions,
    name: z.string(),
    redirectUri: z.optional(z.array(z.string())),
    authMethod: z.optional(z.enum(METHODS)),
    grant: z.optional(z.array(z.enum(GRANTS))),
    scope: z.optional(z.array(z.string())),
    jwksFile: z.optional(z.string()),
    jwksUri: z.optional(z.string()),
  }),
  async run(context, options) {
    const { name, redirectUri, authMethod, grant, scope, jwksFile, jwksUri, ...flags } = options
    const input: ClientInput = {
      clientName: name,
      redirectUris: redirectUri,
      tokenEndpointAuthMethod: authMethod,
      grantTypes: grant,
      scopes: scope,
      jwks: readKeys(jwksFile),
      jwksUri,
    }
    await requireTarget(flags)
    await withManagement(context, flags, async ({ management, actor }) => {
      const created = await asking(NAMES, 'usage', management.clients.create(input, { actor }))
      await writeSecret(context, created, flags)
    })
  },
})
