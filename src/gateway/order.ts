import * as v from 'valibot'
import { denySchema } from '../platform/gateways/deny-schema.ts'
import type { GatewayOrder, HeldCredential } from '../platform/gateways/start-gateway.ts'
import { upstreamSchema } from '../platform/gateways/upstream-schema.ts'

const credentialSchema = v.object({
  id: v.string(),
  token: v.optional(v.string()),
  clientCertificateData: v.optional(v.string()),
  clientKeyData: v.optional(v.string()),
  upstreams: v.array(upstreamSchema),
})

const orderSchema = v.object({
  policy: v.string(),
  port: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)),
  certPem: v.string(),
  keyPem: v.string(),
  deny: v.array(denySchema),
  impersonate: v.picklist(['never', 'allow']),
})

/** @throws ValiError for anything but a GatewayOrder */
export const parseOrder = (value: unknown): GatewayOrder => v.parse(orderSchema, value)

/** @throws ValiError for anything but a HeldCredential */
export const parseHeld = (value: unknown): HeldCredential => v.parse(credentialSchema, value)
