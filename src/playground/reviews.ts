import { parsed } from './patch.ts'
import { isRecord } from './kube-object.ts'
import type { Identity } from './authentication.ts'
import type { ApiRequest } from './request.ts'

/**
 * @returns the answer to `kubectl auth whoami` and `kubectl auth can-i`, or undefined for another path. In the
 * playground everyone who is someone may do everything.
 */
export async function reviewAnswer(request: ApiRequest): Promise<Record<string, unknown> | undefined> {
  if (request.method !== 'POST') return undefined
  switch (request.path) {
    case '/apis/authentication.k8s.io/v1/selfsubjectreviews':
      return review('authentication.k8s.io', 'SelfSubjectReview', { userInfo: userInfo(request.identity) })
    case '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews':
      return { ...(await askedFor(request)), ...review('authorization.k8s.io', 'SelfSubjectAccessReview', allowed) }
    case '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews':
      return { ...(await askedFor(request)), ...review('authorization.k8s.io', 'SelfSubjectRulesReview', rules) }
    default:
      return undefined
  }
}

const allowed = { allowed: true, reason: 'everything is allowed in the playground' }

const rules = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  incomplete: false,
}

function userInfo({ user, groups, by }: Identity): Record<string, unknown> {
  return { username: user, groups, extra: { 'kubeguard.example/authenticated-by': [by] } }
}

function review(group: string, kind: string, status: object): Record<string, unknown> {
  return { apiVersion: `${group}/v1`, kind, metadata: {}, status }
}

async function askedFor(request: ApiRequest): Promise<{ spec: unknown }> {
  const body = parsed((await request.body()).toString(), JSON.parse)
  return { spec: isRecord(body) ? body['spec'] : {} }
}
