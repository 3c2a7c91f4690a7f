import { expect, test } from 'vitest'
import { allowListedEnvironment, dangerousVariables } from '../../../src/hardening/environment.ts'

test('a child gets what is known to be harmless, and nothing else', () => {
  const given = {
    HOME: '/h',
    PATH: '/bin',
    LC_ALL: 'C',
    TZ: 'UTC',
    KUBEGUARD_HOME: '/k',
    XDG_RUNTIME_DIR: '/run/user/1',
    NODE_OPTIONS: '--inspect',
    NODE_EXTRA_CA_CERTS: '/x',
    LD_PRELOAD: '/x.so',
    OPENSSL_CONF: '/x.cnf',
    KUBECONFIG: '/kc',
    AWS_SECRET_ACCESS_KEY: 's',
    LCX: 'no',
  }
  const allowed = ['HOME', 'KUBEGUARD_HOME', 'LC_ALL', 'PATH', 'TZ', 'XDG_RUNTIME_DIR']
  expect(Object.keys(allowListedEnvironment(given)).toSorted()).toEqual(allowed)
})

test('what could watch or change a process is called dangerous', () => {
  expect(dangerousVariables({ NODE_OPTIONS: '', LD_PRELOAD: 'x', OPENSSL_CONF: 'x', PATH: '/bin' })).toEqual([
    'NODE_OPTIONS',
    'LD_PRELOAD',
    'OPENSSL_CONF',
  ])
})
