import { expect, test } from 'vitest'
import { isSecretName, maskSecrets } from '../../../src/platform/secret-guard.ts'

test.each([
  'token',
  'idToken',
  'passphrase',
  'newPassphrase',
  'client-secret',
  'ticket',
  'privateKey',
  'client-key-data',
])('%s names a secret', (name) => expect(isSecretName(name)).toBe(true))

test.each(['program', 'context', 'credential', 'pid', 'policy', 'reason', 'count', 'keptAs'])(
  '%s does not',
  (name) => expect(isSecretName(name)).toBe(false),
)

test.each([
  ['-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- x', '[withheld] x'],
  ['cut off -----BEGIN EC PRIVATE KEY-----\nMIIE', 'cut off [withheld]'],
  ['AGE-SECRET-KEY-1QQQ2', '[withheld]'],
  ['got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln back', 'got [withheld] back'],
  ['Bearer abcdefghijklmnop.qrstu', '[withheld]'],
  ['Authorization: Basic dXNlcjpwYXNz', '[withheld]'],
  ['{"token":"abcdef-123456"}', '{"[withheld]"}'],
  ['LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t', '[withheld]'],
])('%j is masked', (text, masked) => expect(maskSecrets(text)).toBe(masked))

test.each([
  'users with basic authentication stay',
  'wrong passphrase',
  'eyes.example.com',
  'the token of prod',
  'kubectl get pods',
])('%j stays as it is', (text) => expect(maskSecrets(text)).toBe(text))
