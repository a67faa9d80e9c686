import { CLIENT_DOCUMENTS, type ClientDocument } from '../active/client-documents.js'
import type { Exchange, Probe } from '../http/prober.js'

/** Documents of clients, as they can be fetched from this machine. */
export type DocumentFetches = readonly {
  readonly client: ClientDocument
  readonly exchange: Exchange
}[]

/** Fetches the documents that clients use as their id, as an authorization server here would. */
export function fetchDocuments(probe: Probe): Promise<DocumentFetches> {
  return Promise.all(
    CLIENT_DOCUMENTS.map(async (client) => {
      const headers = { accept: 'application/json' }
      return { client, exchange: await probe({ url: client.id, headers, about: client.name }) }
    }),
  )
}
