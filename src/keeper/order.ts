import * as v from 'valibot'
import { denySchema } from '../platform/gateways/deny-schema.ts'
import type { KeeperOrder } from '../usecases/ports.ts'

const orderSchema = v.object({
  mode: v.picklist(['unlock', 'create', 'rewrap', 'recovery-key', 'eject', 'move', 'reset']),
  policies: v.array(v.string()),
  generation: v.number(),
  paths: v.array(v.string()),
  users: v.array(v.string()),
  to: v.optional(v.string()),
  access: v.optional(v.picklist(['plugin', 'gateway'])),
  deny: v.optional(v.array(denySchema)),
  impersonate: v.optional(v.picklist(['never', 'allow'])),
  recovery: v.optional(v.boolean()),
  unlock: v.optional(v.array(v.looseObject({ factor: v.string() }))),
  ephemeral: v.optional(
    v.object({ role: v.string(), namespaces: v.array(v.string()), home: v.string(), lifetimeMs: v.number() }),
  ),
})

/** @throws ValiError for anything but a KeeperOrder */
export function parseOrder(value: unknown): KeeperOrder {
  return v.parse(orderSchema, value)
}
