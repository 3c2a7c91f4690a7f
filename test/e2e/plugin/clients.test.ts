import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { good, makeHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { helm, kubectl, tool } from '../../fixtures/tools.ts'
import { until } from '../../fixtures/terminal.ts'
import { execOf } from './exec-user.ts'

/** Runs the plugin as client-go does, but shows what it says. A real program of its own is the client. */
const askAsClient = `
import json, os, subprocess, sys
env = dict(os.environ, KUBERNETES_EXEC_INFO=json.dumps({"apiVersion": sys.argv[1], "kind": "ExecCredential", "spec": {"interactive": False}}))
ran = subprocess.run(sys.argv[2:], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
print(json.dumps({"code": ran.returncode, "stdout": ran.stdout, "stderr": ran.stderr}))
`

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

interface ExecCredential {
  readonly kind: string
  readonly apiVersion: string
  readonly status: {
    readonly expirationTimestamp: string
    readonly token?: string
    readonly clientCertificateData?: string
  }
}

const group = 'client.authentication.k8s.io'

test('every client works while unlocked: real kubectl, helm, v1beta1, certificates, Python, ten at once', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m', lifetime: '1h' })
  await home.startPlayground()
  await home.init()
  const adopted = readFileSync(home.kubeconfig, 'utf8')
  const beta = join(home.home, 'beta.yaml')
  writeFileSync(beta, adopted.replaceAll(`${group}/v1`, `${group}/v1beta1`), { mode: 0o600 })
  await home.unlock('--all')

  expect(await home.realKubectl(['get', 'pods', '--context', 'prod-playground'])).toMatchObject({
    code: 0,
    stderr: '',
  })
  const who = async (...args: string[]) =>
    good(await home.realKubectl(['auth', 'whoami', '-o', 'json', ...args]))
  expect((await who()).stdout).toContain('playground')
  expect(await home.realKubectl(['get', 'pods', '--kubeconfig', beta])).toMatchObject({ code: 0 })
  expect(good(await home.run(helm(), ['list', '--all-namespaces'])).stdout).toContain('shop')
  const ten = await Promise.all(Array.from({ length: 10 }, () => home.kubectl(['get', 'pods'])))
  for (const run of ten) {
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toContain('web-0')
  }
  const script = `import subprocess; print(subprocess.run(["kubectl","get","pods","-o","name"],capture_output=True,text=True,check=True).stdout)`
  expect(good(await home.run(tool('python3'), ['-c', script])).stdout).toContain('pod/web-0')
  const direct = script.replace('"kubectl"', JSON.stringify(kubectl()))
  expect(good(await home.run(tool('python3'), ['-c', direct])).stdout).toContain('pod/web-0')

  const ask = async (version: string, user: string, ...instead: string[]): Promise<Ran> => {
    const exec = execOf(home.kubeconfig, user)
    const command = instead.length > 0 ? instead : [exec.command]
    const args = ['-c', askAsClient, `${group}/${version}`, ...command, ...exec.args]
    return JSON.parse(good(await home.run(tool('python3'), args)).stdout) as Ran
  }
  for (const version of ['v1', 'v1beta1']) {
    const from = Date.now()
    const { code, stdout, stderr } = await ask(version, 'playground')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const credential = JSON.parse(stdout) as ExecCredential
    expect(credential).toMatchObject({ kind: 'ExecCredential', apiVersion: `${group}/${version}` })
    const endsMs = Date.parse(credential.status.expirationTimestamp)
    expect(endsMs).toBeGreaterThan(from + 60_000)
    expect(endsMs).toBeLessThanOrEqual(Date.now() + 120_000)
    expect(credential.status.token).toMatch(/^playground\./)
  }
  const certificate = JSON.parse((await ask('v1', 'prod-playground')).stdout) as ExecCredential
  expect(certificate.status.token).toBeUndefined()
  expect(certificate.status.clientCertificateData).toContain('BEGIN CERTIFICATE')
  const spelled = await ask(
    'v1',
    'playground',
    join(import.meta.dirname, '../../../bin/kubeguard'),
    'credential',
  )
  expect(JSON.parse(spelled.stdout)).toMatchObject({ status: { token: expect.any(String) as string } })

  await home.lock()
  await home.unlock('default', '--for', '20s')
  const lifetimeEndMs = Date.now() + 20_000
  const short = JSON.parse((await ask('v1', 'playground')).stdout) as ExecCredential
  expect(Date.parse(short.status.expirationTimestamp)).toBeLessThanOrEqual(lifetimeEndMs)
})

test('locked, without a terminal: no prompt, one line for each run of the plugin, and the exit code 77', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  await home.init()
  const { command, args } = execOf(home.kubeconfig, 'playground')
  const plugin = JSON.parse(
    good(await home.run(tool('python3'), ['-c', askAsClient, `${group}/v1`, command, ...args])).stdout,
  ) as Ran
  expect(plugin).toEqual({
    code: 77,
    stdout: '',
    stderr: expect.stringMatching(
      /^kubeguard: default is locked[^\n]*; run: kubeguard unlock default\n$/,
    ) as string,
  })
  const real = await home.realKubectl(['get', 'pods'])
  expect(real.code).not.toBe(0)
  expect(real.stdout).toBe('')
  expect(real.stderr).toMatch(/exit code 77|exit status 77/)
  const lines = real.stderr.split('\n').filter((line) => line.startsWith('kubeguard: '))
  expect(lines.length).toBeGreaterThan(0)
  expect(new Set(lines).size).toBe(1)
  // One refusal for each run: ours above, and those of kubectl's tries.
  await until('as many refusals in the journal as lines', async () => {
    const log = await home.kubeguard(['log', '--event', 'refused', '--json'])
    return log.stdout.trim().split('\n').length === lines.length + 1
  })
  expect(real.stderr).not.toMatch(/passphrase for/i)
  expect(await home.run(helm(), ['list'])).not.toMatchObject({ code: 0 })
})

test('completion: pod names while unlocked; while locked nothing, at once, without a question', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  await home.init()
  const complete = () => home.kubectl(['__complete', 'get', 'pods', ''])
  const locked = await complete()
  expect(locked).toMatchObject({ code: 0 })
  expect(locked.stdout).not.toContain('web-0')
  expect(locked.stdout + locked.stderr).not.toMatch(/kubeguard|passphrase/)
  await home.unlock('default')
  const open = await until('names of pods', async () => {
    const run = await complete()
    return run.stdout.includes('web-0') ? run : undefined
  })
  expect(open).toMatchObject({ code: 0 })
})
