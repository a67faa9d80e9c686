import pg from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import { type Cluster, serverEngines, testEngines } from '../support/engines.js'
import { startProxy } from '../support/proxy.js'

async function select(connectionString: string): Promise<unknown> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query('SELECT current_database() AS name')
    return rows[0]?.name
  } finally {
    await client.end()
  }
}

describe.each(testEngines().filter(({ kind }) => kind === 'postgres'))('$name', (engine) => {
  it.skipIf(engine.skip)('gives every test a database of its own', async () => {
    const [one, two] = [await engine.createDatabase(), await engine.createDatabase()]
    const names = await Promise.all([one, two].map((each) => select(each.connectionString ?? '')))
    expect(new Set(names).size).toBe(2)
    await Promise.all([one.drop(), two.drop()])
    await expect(select(one.connectionString ?? '')).rejects.toMatchObject({ code: '3D000' })
  })
})

describe.each(serverEngines())('own server: $name', (engine) => {
  let cluster: Cluster | undefined
  afterAll(() => cluster?.remove())

  it.skipIf(engine.skip)('is killed, started again and reached by a proxy', async () => {
    cluster = await engine.startCluster({ settings: { max_connections: '12' } })
    const address = cluster.connectionString()
    expect(await select(address)).toBe('postgres')
    await cluster.kill()
    await expect(select(address)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await cluster.start()
    const proxy = await startProxy(cluster)
    const proxied = proxy.connectionString(address)
    expect(await select(proxied)).toBe('postgres')
    await proxy.setMode('refuse')
    await expect(select(proxied)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await proxy.setMode('reset')
    await expect(select(proxied)).rejects.toThrow(/ECONNRESET|terminated/)
    await proxy.setMode('mute')
    await expect(select(proxied)).rejects.toThrow(/timeout/)
    await proxy.setMode('pass')
    expect(await select(proxied)).toBe('postgres')
    await proxy.close()
  })
})
