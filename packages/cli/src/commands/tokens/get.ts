import type { Credential } from '@bestviable/mcp-auth-middleware'
import { Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { formatKey, formatOwner, parseCredentialKey } from '../../credential-key.js'
import { CommandFailure } from '../../failure.js'
import {
  commonFlags,
  commonOptions,
  ownerFlags,
  ownerOptions,
  storeFlags,
  storeOptions,
} from '../../flags.js'
import { withStore } from '../../stores/open-store.js'

const HIDDEN = '[hidden]'

function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}

/** Every member as a document; the secrets only when they were asked for. */
function describe(credential: Credential, reveal: boolean): Record<string, unknown> {
  const { kind, secret, refreshToken, expiresAt, scopes, metadata, version, updatedAt } = credential
  return {
    kind,
    secret: reveal ? secret : HIDDEN,
    ...(refreshToken !== undefined && { refreshToken: reveal ? refreshToken : HIDDEN }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(scopes !== undefined && { scopes }),
    ...(metadata !== undefined && { metadata }),
    version,
    updatedAt,
  }
}

function formatMember(name: string, value: unknown): string {
  if ((name === 'expiresAt' || name === 'updatedAt') && typeof value === 'number') {
    return formatTime(value)
  }
  // A secret may hold line ends and control characters, and metadata anything.
  const plain = typeof value === 'string' && /^[\u0021-\u007e]+$/.test(value)
  return plain ? value : JSON.stringify(value)
}

/** `mcp-auth tokens get` */
export const tokensGet = defineCommand({
  path: 'tokens get',
  arguments: [{ name: '<provider>', description: 'upstream API, for example coda' }],
  summary: 'Show one credential, its secret hidden',
  details:
    'Ends with 1 when there is none. --reveal shows the secret on a terminal; into a file or a pipe it needs --yes as well.',
  flags: [
    new Option('--reveal', 'show the secret and the refresh token'),
    ...ownerFlags(),
    ...storeFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli tokens get coda --store postgres',
      explains: 'Version, age and kind of the credential of the server',
    },
    {
      command:
        'npx @bestviable/mcp-auth-cli tokens get coda --issuer https://login.example.com --subject ann --reveal',
      explains: 'The credential of one user, with its secret',
    },
  ],
  options: z.strictObject({
    ...commonOptions,
    ...storeOptions,
    ...ownerOptions,
    reveal: z._default(z.boolean(), false),
  }),
  async run(context, options, [provider]) {
    const key = parseCredentialKey(provider, options)
    const { reveal } = options
    if (reveal && !options.yes && !context.host.isTerminal.stdout) {
      throw new CommandFailure(
        'usage',
        '--reveal would write the secret into a file or a pipe; add --yes if that is meant',
      )
    }
    await withStore(context, options, async ({ store, settings }) => {
      const credential = await store.get(key)
      if (credential === undefined) {
        throw new CommandFailure('refused', `no credential is stored for ${formatKey(key)}`)
      }
      const { kind: storeKind, namespace } = settings
      const members = describe(credential, reveal)
      const place = { store: storeKind, namespace, ...key }
      context.output.result({ ...place, credential: members }, () => [
        `provider: ${key.provider}`,
        `owner: ${formatOwner(key.owner)}`,
        ...Object.entries(members).map(([name, value]) => `${name}: ${formatMember(name, value)}`),
      ])
    })
  },
})
