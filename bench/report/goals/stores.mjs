/* Goals 17 to 19: stored credentials. */
import { number, ratio, reader } from './read.mjs'

export const STORE_GOALS = [
  {
    number: 17,
    what: 'credential from PostgreSQL, process and backend, of a prepared SELECT with one AES-GCM open',
    limit: 1.3,
    format: ratio,
    peer: 'pgcrypto',
    read(results) {
      const at = reader(results, 'stores-20', 'postgres-reads')
      return {
        floor: at('floor: prepared SELECT, one AES-GCM open', 'of the floor'),
        peer: at('pgcrypto pgp_sym_decrypt', 'of the floor'),
        ours: at('postgresTokenStore', 'of the floor'),
      }
    },
    cause:
      'the second AES-GCM open, of the data key of the record, then the JSON of the credential and its checks; one data key for many records would change it, and no record could be rotated or moved by itself',
  },
  {
    number: 18,
    what: 'the same from the cache of the process, us',
    limit: 2,
    format: number(2),
    peer: 'none has the row',
    read(results) {
      const local = reader(results, 'stores-20', 'local-reads')
      const postgres = reader(results, 'stores-20', 'postgres-reads')
      return {
        floor: local('floor: Map', 'CPU us'),
        ours: postgres('postgresTokenStore, cached', 'together us'),
      }
    },
    cause:
      'a thousand keys in turn: the text that names a key is built, hashed and looked up, and a promise is made; one key again and again takes about 1 us (table of reads within the process). The digest of a key, kept with the object, would change it',
  },
  {
    number: 19,
    what: 'credential from Infisical, of its SDK',
    limit: 1.2,
    format: ratio,
    peer: '@infisical/sdk',
    read(results) {
      const at = reader(results, 'stores-20', 'infisical-reads')
      return {
        floor: at('floor: GET by node:http, JSON.parse', 'of the SDK'),
        peer: at('@infisical/sdk getSecret', 'of the SDK'),
        ours: at('infisicalTokenStore, not cached', 'of the SDK'),
      }
    },
    cause: 'it calls the SDK; a client of our own by node:http would cost about the floor',
  },
]
