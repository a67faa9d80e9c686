import {
  generateEncryptionKey,
  parseEncryptionKeys,
} from '@bestviable/mcp-auth-middleware/envelope'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { commonFlags, commonOptions } from '../../flags.js'

/** `mcp-auth keys generate` */
export const keysGenerate = defineCommand({
  path: 'keys generate',
  summary: 'Make a key-encryption key and write it to stdout',
  details:
    'For MCP_AUTH_ENCRYPTION_KEYS: 32 random bytes in base64. It is stored nowhere. Whoever has it and a copy of the database can read every credential; without it nobody can.',
  flags: commonFlags(),
  examples: [
    {
      command:
        '(umask 077; npx @bestviable/mcp-auth-cli keys generate > /run/secrets/mcp-auth-keys)',
      explains: 'Into a file for MCP_AUTH_ENCRYPTION_KEYS_FILE',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli keys generate --json',
      explains: 'With its key id, which is not secret',
    },
  ],
  options: z.strictObject(commonOptions),
  async run({ output }) {
    const key = generateEncryptionKey()
    const keyId = parseEncryptionKeys(key)[0]?.keyId
    output.result({ key, keyId }, () => [key])
    output.note(`key id ${keyId}; keep a copy where no copy of the database is`)
  },
})
