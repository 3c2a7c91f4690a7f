import { expect, test } from 'vitest'
import { parseKubeconfig } from '../../../src/platform/kubeconfig/parse-kubeconfig.ts'
import { clusterOf } from '../../../src/scribe/cluster-of.ts'
import type { LoadedFile } from '../../../src/scribe/load-files.ts'

const ca = Buffer.from('PEM').toString('base64')

function fileOf(clusters: Readonly<Record<string, string>>, contexts: readonly string[]): LoadedFile {
  const text = [
    'clusters:',
    ...Object.entries(clusters).map(([name, fields]) => `- {name: ${name}, cluster: {${fields}}}`),
    'contexts:',
    ...contexts.map((cluster, at) => `- {name: c${at}, context: {cluster: ${cluster}, user: u}}`),
  ].join('\n')
  return { config: parseKubeconfig('/nowhere/config', text) } as LoadedFile
}

const placeIn = (...files: LoadedFile[]) =>
  clusterOf(
    files,
    files.flatMap((file) => file.config.contexts.map((context) => ({ file, context }))),
  )

const good = `server: "https://a:6443", certificate-authority-data: ${ca}`

test('the one server that all contexts lead to, with whom to believe', () => {
  expect(placeIn(fileOf({ a: good }, ['a', 'a']))).toEqual({ server: 'https://a:6443', ca: 'PEM' })
  expect(placeIn(fileOf({ a: 'server: "https://a", tls-server-name: b' }, ['a']))).toEqual({
    server: 'https://a',
    serverName: 'b',
  })
})

test('the first definition of a name wins, in whatever file', () => {
  const files = [fileOf({ a: good }, []), fileOf({ a: 'server: "https://other"' }, ['a'])]
  expect(placeIn(...files)).toEqual({ server: 'https://a:6443', ca: 'PEM' })
})

test.each([
  ['several servers', fileOf({ a: good, b: 'server: "https://b"' }, ['a', 'b'])],
  ['no context', fileOf({ a: good }, [])],
  ['no such cluster', fileOf({ a: good }, ['b'])],
  ['plain http', fileOf({ a: 'server: "http://a"' }, ['a'])],
  ['a password in the address', fileOf({ a: 'server: "https://x:y@a"' }, ['a'])],
  ['a proxy', fileOf({ a: `${good}, proxy-url: "http://p"` }, ['a'])],
  ['a certificate that is not checked', fileOf({ a: `${good}, insecure-skip-tls-verify: true` }, ['a'])],
  [
    'authorities that can’t be read',
    fileOf({ a: 'server: "https://a", certificate-authority: none.pem' }, ['a']),
  ],
])('none for %s', (_, file) => {
  expect(placeIn(file)).toBeUndefined()
})
