// Makes a token for one client. The server is told its digest only, which is no secret.
import { generateBearerToken } from '@bestviable/mcp-auth-middleware'

const [name = 'laptop'] = process.argv.slice(2)
const { token, digest } = await generateBearerToken()
console.log(`Give this to its holder, it is shown this once:\n\n  ${token}\n`)
console.log(`And this to the server:\n\n  MCP_BEARER_TOKENS=${name}:${digest}`)
