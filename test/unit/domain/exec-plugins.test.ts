import { expect, test } from 'vitest'
import { describePlugin, matters, pluginNamed, sourcesOf } from '../../../src/domain/exec-plugins.ts'

const named = (command: string, ...args: string[]): string => describePlugin({ command, args }).name

test('plugins are known by their program, and where two share a name by what they are asked', () => {
  expect(named('/usr/local/bin/aws', 'eks', 'get-token')).toBe('aws')
  expect(named('aws-iam-authenticator', 'token')).toBe('aws')
  expect(named('gke-gcloud-auth-plugin')).toBe('gke-gcloud-auth-plugin')
  expect(named('kubectl', 'oidc-login', 'get-token')).toBe('kubelogin')
  expect(named('kubectl-oidc_login', 'get-token')).toBe('kubelogin')
  expect(named('kubelogin', 'get-token', '--oidc-issuer-url=https://id')).toBe('kubelogin')
  expect(named('kubelogin', 'get-token', '--server-id', 'x')).toBe('azure-kubelogin')
  expect(named('tsh', 'kube', 'credentials')).toBe('tsh')
  expect(named('/opt/my-login')).toBe('my-login')
  expect(named('kubectl', 'whatever')).toBe('kubectl')
  // No name of a field of every object.
  expect(pluginNamed('constructor').variables).toBeUndefined()
})

test('what is named as the source of what is borrowed', () => {
  expect(sourcesOf(pluginNamed('aws'))).toContain('~/.aws/credentials')
  expect(sourcesOf(pluginNamed('my-login'))).toEqual(['whatever my-login keeps'])
})

test('of a known plugin some variables matter, of an unknown one all but those of terminals', () => {
  const of = (plugin: string, ...names: string[]) =>
    names.filter((name) => matters(pluginNamed(plugin), name))
  const aws = ['AWS_PROFILE', 'AWS_ACCESS_KEY_ID', 'HOME']
  expect(of('aws', ...aws, 'PATH', 'ACCOUNT', 'XAWS_PROFILE', 'aws_profile')).toEqual(aws)
  const any = ['PATH', 'ACCOUNT', 'LANG', 'SSH_AUTH_SOCK', 'HOME']
  const ofTerminals = ['TERM', 'TERM_PROGRAM', 'TMUX_PANE', '_', 'KUBEGUARD_PROMPT', 'PWD']
  expect(of('my-login', ...any, ...ofTerminals)).toEqual(any)
})
