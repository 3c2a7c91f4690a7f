import * as v from 'valibot'

/** Of an `Upstream` (src/domain/upstream.ts), as it is sealed and as it is handed on. */
export const upstreamSchema = v.object({
  slug: v.string(),
  server: v.string(),
  caPem: v.optional(v.string()),
  tlsServerName: v.optional(v.string()),
  proxyUrl: v.optional(v.string()),
  skipsVerify: v.optional(v.boolean()),
})
