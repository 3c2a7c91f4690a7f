import { once } from 'node:events'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startPlayground } from '../../../src/playground/playground.ts'
import type { Playground } from '../../../src/playground/playground.ts'
import { allKubectls } from '../../fixtures/tools.ts'
import { ClientHome, listen, until } from './client-home.ts'
import type { Result } from './client-home.ts'

let playground: Playground
let home: ClientHome

beforeAll(async () => {
  playground = await startPlayground({ logIntervalMs: 50 })
  home = new ClientHome(playground.kubeconfig())
})
afterAll(async () => {
  home.close()
  await playground.close()
})

const logLine = /^\S+Z web: GET \/healthz 200$/

describe.each(allKubectls())('%s', (kubectl) => {
  const run = (args: readonly string[], input: string | Buffer = ''): Promise<Result> =>
    home.run(kubectl, args, input)

  test('logs: all, the tail, with timestamps, by container, followed', async () => {
    expect((await run(['logs', 'web-0'])).stdout.trimEnd().split('\n')).toHaveLength(10)
    expect((await run(['logs', 'web-0', '--tail=2'])).stdout).toMatch(/^(\S+Z web: GET \/healthz 200\n){2}$/)
    expect((await run(['logs', 'web-0', '-c', 'web', '--tail=1', '--timestamps'])).stdout).toMatch(
      /^\S+Z \S+Z web/,
    )
    expect((await run(['logs', 'web-0', '-c', 'no'])).code).toBe(1)
    const follower = home.start(kubectl, ['logs', '-f', 'web-0', '--tail=0'])
    const log = listen(follower.stdout)
    await until(() => log.text.split('\n').length > 4)
    expect(log.text.split('\n')[0]).toMatch(logLine)
    follower.kill()
  })

  test('exec: both outputs, exit codes, unknown programs and pods', async () => {
    const script = 'echo "one two" $HOSTNAME; echo oops >&2; false && echo no; true || echo no; exit 3'
    expect(await run(['exec', 'web-0', '--', 'sh', '-c', script])).toEqual({
      code: 3,
      stdout: 'one two web-0\n',
      stderr: 'oops\ncommand terminated with exit code 3\n',
    })
    expect(await run(['exec', 'web-0', '-c', 'web', '--', 'true'])).toMatchObject({ code: 0 })
    expect(await run(['exec', 'web-0', '--', 'nothing'])).toMatchObject({ code: 127 })
    expect((await run(['exec', 'nope', '--', 'true'])).stderr).toContain('pods "nope" not found')
    expect((await run(['exec', 'web-0', '--', 'cat', '/etc/passwd'])).stderr).toContain('No such file')
    expect((await run(['exec', 'web-0', '--', 'ls'])).stdout).toBe('app\netc\nvar\n')
  })

  test('exec: standard input goes through, its end too', async () => {
    const bytes = Buffer.alloc(2_500_000, 'kubeguard\0\r\n')
    const { code, stdout } = await run(['exec', '-i', 'web-0', '--', 'cat'], bytes)
    expect(code).toBe(0)
    expect(Buffer.from(stdout).equals(bytes)).toBe(true)
    expect(await run(['exec', '-i', 'web-0', '--', 'sh'], 'echo a\nexit 4\n')).toMatchObject({
      code: 4,
      stdout: 'a\n',
    })
  })

  test('exec on a terminal: prompt, editing, Ctrl-C, resize, exit code', async () => {
    const client = home.startOnTerminal(kubectl, ['exec', '-it', 'web-0', '--', 'sh'])
    await client.shows('web-0:/$ ')
    client.type('echo ab\x7fc$HOSTNAME\r')
    await client.shows('\r\nacweb-0\r\n')
    client.type('sleep 1000\r')
    await client.shows('sleep 1000\r\n')
    client.type('\x03')
    await client.shows(/\^C\r\nweb-0:\/\$ $/)
    client.type('echo code $?; stty size\r')
    await client.shows('code 130\r\n30 100\r\n')
    client.pty.resize(90, 25)
    await until(() => {
      client.type('stty size\r')
      return client.screen.includes('25 90')
    })
    client.type('exit 5\r')
    expect(await client.ended).toBe(5)
  })

  test('exec on a terminal: top fills the window and redraws until q; Ctrl-D ends a shell', async () => {
    const top = home.startOnTerminal(kubectl, ['exec', '-it', 'db-0', '--', 'top'])
    await until(
      () => top.screen.split('\x1b[H').length > 2,
      () => top.screen,
    )
    top.type('q')
    expect(await top.ended).toBe(0)
    const shell = home.startOnTerminal(kubectl, ['exec', '-it', 'db-0', '--', 'sh'])
    await shell.shows('db-0:/$ ')
    shell.type('\x04')
    expect(await shell.ended).toBe(0)
  })

  test('an exec that is ended leaves nothing open in the server', async () => {
    await until(() => playground.connections === 0)
    const client = home.start(kubectl, ['exec', '-i', 'web-0', '--', 'sh', '-c', 'echo begun; sleep 1000'])
    const output = listen(client.stdout)
    await until(() => output.text === 'begun\n')
    expect(playground.connections).toBeGreaterThan(0)
    client.kill('SIGKILL')
    await until(() => playground.connections === 0)
  })

  test('attach shows the container go on', async () => {
    const client = home.start(kubectl, ['attach', 'web-0'])
    const output = listen(client.stdout)
    await until(() => output.text.split('\n').length > 3)
    expect(output.text.split('\n')[0]).toMatch(logLine)
    client.kill()
  })

  test('port-forward carries real HTTP requests, large ones and several at once', async () => {
    const client = home.start(kubectl, ['port-forward', 'pod/web-1', ':8080'])
    const [output, errors] = [listen(client.stdout), listen(client.stderr)]
    await until(
      () => output.text.includes('Forwarding from 127.0.0.1'),
      () => errors.text,
    )
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(output.text)![1])
    const answers = await Promise.all(['/a', '/b', '/c'].map((path) => httpRequest(port, path)))
    expect(answers.map((answer) => JSON.parse(answer.toString()).path)).toEqual(['/a', '/b', '/c'])
    const body = Buffer.alloc(3_000_000, 'large')
    expect((await httpRequest(port, '/', body)).equals(body)).toBe(true)
    client.kill()
    await once(client, 'close')
    await expect(httpRequest(port, '/')).rejects.toThrow('ECONNREFUSED')
  })

  test('port-forward to another port says that nothing listens there', async () => {
    const client = home.start(kubectl, ['port-forward', 'web-1', ':9999'])
    const [output, errors] = [listen(client.stdout), listen(client.stderr)]
    await until(() => output.text.includes('Forwarding from 127.0.0.1'))
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(output.text)![1])
    await expect(httpRequest(port, '/')).rejects.toThrow('socket hang up')
    await until(() => errors.text.includes('failed to connect to port 9999'))
    client.kill()
  })
})

async function httpRequest(port: number, path: string, body?: Buffer): Promise<Buffer> {
  const method = body === undefined ? 'GET' : 'POST'
  const headers = body === undefined ? {} : { 'content-length': body.length }
  const outgoing = request({ host: '127.0.0.1', port, path, method, headers, agent: false })
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [AsyncIterable<Buffer>]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return Buffer.concat(chunks)
}
