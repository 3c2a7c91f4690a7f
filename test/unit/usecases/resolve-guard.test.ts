import { expect, test } from 'vitest'
import { guardedSession } from '../../../src/usecases/guarded-session.ts'
import type { Outline } from '../../../src/usecases/ports.ts'
import { resolveGuard } from '../../../src/usecases/resolve-guard.ts'
import type { SessionTable } from '../../../src/usecases/session-table.ts'

const outline: Outline = {
  path: '/home/alice/.kube/config',
  real: '/home/alice/.kube/config',
  currentContext: 'ours',
  contexts: [
    { name: 'ours', cluster: 'c', user: 'alice' },
    { name: 'gone', cluster: 'c', user: 'carol' },
    { name: 'theirs', cluster: 'c', user: 'bob' },
  ],
  users: [
    { name: 'alice', kind: 'ours', policy: 'prod', credential: 'prod.alice-1' },
    { name: 'carol', kind: 'ours', policy: 'removed', credential: 'removed.carol-1' },
    { name: 'bob', kind: 'exec' },
  ],
}

const sessions = { prod: guardedSession('prod'), default: guardedSession('default') }
const deps = {
  kubeconfigs: { outlines: () => Promise.resolve([outline]) } as never,
  table: {
    find: (policy: string) => (policy === 'prod' ? sessions.prod : undefined),
    forContext: () => sessions.default,
  } as unknown as SessionTable,
}
const place = { cwd: '/', home: '/home/alice', kubeconfig: undefined }
const resolve = (asked: { context?: string; user?: string } = {}) =>
  resolveGuard(deps, undefined, place, {
    kubeconfig: undefined,
    context: undefined,
    user: undefined,
    ...asked,
  } as never)

test('the credential is that of the context’s user, or of the user that is named', async () => {
  expect(await resolve()).toMatchObject({ guarded: sessions.prod, credential: 'prod.alice-1' })
  expect(await resolve({ context: 'theirs', user: 'alice' })).toMatchObject({
    guarded: sessions.prod,
    credential: 'prod.alice-1',
  })
})

test('there is none where the user is none of ours, is not there, or its policy has no session', async () => {
  for (const asked of [{ context: 'theirs' }, { user: 'bob' }, { user: 'nobody' }, { context: 'gone' }])
    expect(await resolve(asked)).toMatchObject({ guarded: sessions.default, credential: undefined })
})
