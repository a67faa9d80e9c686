import pg from 'pg'

const BYTEA = 17
const INT8 = 20
const TIMESTAMP_WITH_TIME_ZONE = 1184

const asText = (text: string) => text

function asBytes(text: string): unknown {
  // Anything else is the historical output format, which a role or database may be set to.
  if (text.startsWith('\\x')) return Buffer.from(text.slice(2), 'hex')
  return pg.types.getTypeParser(BYTEA, 'text')(text)
}

function asDate(text: string): unknown {
  // PostgreSQL shortens the offset of whole hours, which ISO 8601 as JavaScript reads it does not.
  const iso = text.replace(' ', 'T') + (/[+-]\d\d$/.test(text) ? ':00' : '')
  const time = Date.parse(iso)
  return Number.isNaN(time)
    ? pg.types.getTypeParser(TIMESTAMP_WITH_TIME_ZONE, 'text')(text)
    : new Date(time)
}

/**
 * How values of results are read. Given with every query, so that type parsers which an application
 * registers for all of `pg` do not change what stores read.
 */
export const resultTypes = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): unknown {
    if (format !== 'binary') {
      if (oid === BYTEA) return asBytes
      if (oid === INT8) return asText
      if (oid === TIMESTAMP_WITH_TIME_ZONE) return asDate
    }
    return pg.types.getTypeParser(oid, format)
  },
}
