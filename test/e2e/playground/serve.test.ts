import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { kubectl } from '../../fixtures/tools.ts'
import { ClientHome, listen, until } from './client-home.ts'

const main = join(import.meta.dirname, '../../../src/playground/main.ts')

let home: ClientHome
let file: string

beforeEach(() => {
  home = new ClientHome('')
  file = join(home.folder, 'playground.yaml')
})
afterEach(() => home.close())

const start = (...args: string[]) => home.start(process.execPath, [main, ...args])

test.each(['SIGTERM', 'SIGINT'] as const)(
  'serves, prints one line, and ends cleanly on %s',
  async (signal) => {
    const server = start('serve', '--kubeconfig', file)
    const [output, errors] = [listen(server.stdout), listen(server.stderr)]
    await until(
      () => output.text.includes('\n'),
      () => errors.text,
    )
    expect(output.text).toMatch(
      /^kubeguard playground: serving https:\/\/127\.0\.0\.1:\d+, kubeconfig \/.*\/playground\.yaml\n$/,
    )
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const contexts = await home.run(kubectl(), ['--kubeconfig', file, 'config', 'get-contexts', '-o', 'name'])
    expect(contexts.stdout).toBe('playground\nprod-playground\n')
    const watching = home.start(kubectl(), ['--kubeconfig', file, 'get', 'pods', '-w'])
    const pods = listen(watching.stdout)
    await until(() => pods.text.includes('web-0'))
    const closed = [once(watching, 'close'), once(server, 'close')]
    server.kill(signal)
    expect((await Promise.all(closed))[1]).toEqual([0, null])
    expect(errors.text).toBe('')
  },
)

test('writes over what a playground wrote, and over nothing else', async () => {
  for (const round of [1, 2]) {
    const server = start('serve', '--kubeconfig', file, '--port', '0')
    const output = listen(server.stdout)
    await until(
      () => output.text.includes('\n'),
      () => `round ${round}`,
    )
    const closed = once(server, 'close')
    server.kill()
    await closed
  }
  writeFileSync(file, 'apiVersion: v1\nkind: Config\n')
  const { code, stdout, stderr } = await home.run(process.execPath, [main, 'serve', '--kubeconfig', file])
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  expect(stderr).toBe(
    `kubeguard: ${file} is not a playground kubeconfig, and stays as it is\nname a new file: --kubeconfig FILE\n`,
  )
  expect(readFileSync(file, 'utf8')).toBe('apiVersion: v1\nkind: Config\n')
})

test.each([[], ['serve'], ['serve', '--kubeconfig', 'x', '--port', 'many'], ['serve', '--wrong']])(
  'says how it is called: %j',
  async (...args) => {
    const { code, stderr } = await home.run(process.execPath, [main, ...args])
    expect(code).toBe(64)
    expect(stderr).toContain('run: kubeguard playground serve --kubeconfig FILE [--port N]')
  },
)
