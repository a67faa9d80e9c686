import { existsSync } from 'node:fs'
import { startServer } from './server.js'
import { readSettings } from './settings.js'

if (existsSync('.env')) process.loadEnvFile()
try {
  const settings = readSettings(process.env)
  const starting = startServer(settings)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, async () => {
      await (await starting).close()
      process.exit()
    })
  }
  await starting
  console.log(`${settings.name} ${settings.version} serves ${settings.resource}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
