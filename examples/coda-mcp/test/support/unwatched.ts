/** Many servers run at once in tests, and programs send more requests than people. */
export const unwatched = {
  METRICS_PORT: '0',
  MCP_RATE_LIMIT: '0',
  MCP_REFUSAL_LIMIT: '0',
} as const
