/* The fake Infisical in a process of its own: its CPU is nobody's that is measured here. */
import { compileTypeScript } from '../lib/typescript.mjs'

const { startFakeInfisical } = await import(
  compileTypeScript('packages/store-infisical/test/fake-infisical/index.ts')
)
const fake = await startFakeInfisical()
const { siteUrl, projectId, environment, clientId, clientSecret } = fake
process.send({ siteUrl, projectId, environment, clientId, clientSecret })
process.on('disconnect', () => process.exit())
