import { parse } from 'yaml'
import { parsed } from './patch.ts'
import { isRecord } from './kube-object.ts'
import { isProtobuf } from './protobuf.ts'
import type { Identity } from './authentication.ts'
import type { ApiRequest } from './request.ts'

/**
 * @returns the answer to `kubectl auth whoami` and `kubectl auth can-i`, or undefined for another path. In the
 * playground everyone who is someone may do everything.
 */
export async function reviewAnswer(request: ApiRequest): Promise<Record<string, unknown> | undefined> {
  const [, group, version, plural] = reviewPath.exec(request.method === 'POST' ? request.path : '') ?? []
  const answer = async (kind: string, status: object): Promise<Record<string, unknown>> => {
    return { apiVersion: `${group}/${version}`, kind, metadata: {}, ...(await askedFor(request)), status }
  }
  switch (plural) {
    case 'selfsubjectreviews':
      return answer('SelfSubjectReview', { userInfo: userInfo(request.identity) })
    case 'selfsubjectaccessreviews':
      return answer('SelfSubjectAccessReview', allowed)
    case 'selfsubjectrulesreviews':
      return answer('SelfSubjectRulesReview', rules)
    default:
      return undefined
  }
}

const reviewPath = /^\/apis\/((?:authentication|authorization)\.k8s\.io)\/(v1|v1beta1)\/(\w+)$/

const allowed = { allowed: true, reason: 'everything is allowed in the playground' }

const rules = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  incomplete: false,
}

function userInfo({ user, groups, by }: Identity): Record<string, unknown> {
  return { username: user, groups, extra: { 'kubeguard.example/authenticated-by': [by] } }
}

async function askedFor(request: ApiRequest): Promise<Record<string, unknown>> {
  const bytes = await request.body()
  // The answer is the same for every question: one in protobuf needn't be read.
  const body = isProtobuf(bytes) ? {} : parsed(bytes.toString(), parse)
  return isRecord(body) && body['spec'] !== undefined ? { spec: body['spec'] } : {}
}
