import * as v from 'valibot'

/** Of a `DenyRule` (src/domain/deny-rules.ts), as it is handed on. */
export const denySchema = v.object({
  verbs: v.array(v.string()),
  resources: v.array(v.string()),
  namespaces: v.optional(v.array(v.string())),
})
