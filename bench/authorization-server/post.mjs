import { Agent, request } from 'node:http'

/** Connections over which a server is asked at once. */
export const CONNECTIONS = 4

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })

/** Posts a form and resolves with the JSON of the answer. Rejects when it is not 200. */
export function post(url, form, authentication = {}) {
  const body = new URLSearchParams(form).toString()
  return new Promise((resolve, reject) => {
    const headers = {
      ...authentication,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
    }
    const sent = request(url, { agent, method: 'POST', headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text))
        else reject(new Error(`${url} answered ${response.statusCode}: ${text.slice(0, 200)}`))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Ends idle connections; the next `post` opens new ones. */
export function closeConnections() {
  agent.destroy()
}
