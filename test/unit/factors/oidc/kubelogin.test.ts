import { expect, test } from 'vitest'
import { replacesPlugin } from '../../../../src/domain/policy-unlock.ts'
import { readKubelogin } from '../../../../src/factors/oidc/settings/kubelogin.ts'

const flags = ['--oidc-issuer-url=https://id.example.com', '--oidc-client-id', 'kubernetes']
const told = { issuer: 'https://id.example.com', clientId: 'kubernetes' }

test.each([
  ['kubectl', ['oidc-login', 'get-token', ...flags]],
  ['/usr/local/bin/kubelogin', ['get-token', ...flags]],
  ['kubectl-oidc_login', ['get-token', '-v1', ...flags]],
])('%s %j is kubelogin', (command, args) => {
  expect(readKubelogin(command, args)).toEqual(told)
})

test.each([
  ['kubelogin', ['get-token', '--server-id', 'x', '--login', 'azurecli']],
  ['kubectl', ['get-token', ...flags]],
  ['kubelogin', ['setup', ...flags]],
  ['aws', ['eks', 'get-token', ...flags]],
])('%s %j is not', (command, args) => {
  expect(readKubelogin(command, args)).toBeUndefined()
})

test('the last of several counts, and another client is another log-in', () => {
  const unlock = [{ factor: 'oidc', ...told }]
  const plugin = (...args: string[]) => ({ command: 'kubelogin', args: ['get-token', ...flags, ...args] })
  expect(replacesPlugin(unlock, plugin())).toBe(true)
  expect(replacesPlugin(unlock, plugin('--oidc-client-id=grafana'))).toBe(false)
  expect(replacesPlugin([{ factor: 'passphrase' }], plugin())).toBe(false)
})
