import { describe, expect, test } from 'vitest'
import { checkLeakedCredential } from '../../../../src/cluster-check/checks/leaked-credential.ts'
import { cluster, noted, yes } from '../scripted-cluster.ts'

describe('what a copy of this credential could do', () => {
  const reviews = (rules: Record<string, object[]>, incomplete = false) => ({
    ...cluster([]),
    kubectl: (args: readonly string[], input = '') => {
      const { spec } = JSON.parse(input) as {
        spec: { namespace?: string; resourceAttributes?: { resource: string } }
      }
      const status = args.some((arg) => arg.endsWith('selfsubjectrulesreviews'))
        ? { resourceRules: rules[spec.namespace ?? ''] ?? [], incomplete }
        : { allowed: spec.resourceAttributes?.resource === 'secrets' }
      return Promise.resolve(yes(JSON.stringify({ status })))
    },
  })
  const of = (rules: Record<string, object[]>, incomplete = false) =>
    noted((notes) =>
      checkLeakedCredential(reviews(rules, incomplete), notes, { user: 'a', namespace: 'own' }),
    )
  const rule = (verbs: string[], resources: string[], more = {}) => ({
    verbs,
    apiGroups: [''],
    resources,
    ...more,
  })

  test('everything is one finding', async () => {
    expect(await of({ None: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] })).toEqual([
      expect.stringMatching(/^high leak-everything user a: in the whole cluster/),
    ])
  })

  test('a right in one namespace is less than one in all, but for kube-system', async () => {
    const exec = rule(['create'], ['*/exec'])
    expect(await of({ own: [exec] })).toEqual(['medium leak-exec user a: in own: create on pods/exec'])
    expect(await of({ 'kube-system': [exec] })).toEqual([
      'high leak-exec user a: in kube-system: create on pods/exec',
    ])
    expect(await of({ 'None': [exec], 'own': [exec], 'kube-system': [exec] })).toEqual([
      'high leak-exec user a: in the whole cluster: create on pods/exec',
    ])
  })

  test('pods is not pods/exec, and a named Secret not all of them', async () => {
    expect(
      await of({ None: [rule(['get'], ['pods']), rule(['get'], ['secrets'], { resourceNames: ['x'] })] }),
    ).toEqual([])
  })

  test('another authorizer is asked for each right', async () => {
    expect(await of({}, true)).toEqual([
      expect.stringMatching(/^high leak-secrets user a: in the whole cluster: get on secrets/),
      expect.stringMatching(/^high leak-tokens .*create on secrets/),
    ])
  })
})
