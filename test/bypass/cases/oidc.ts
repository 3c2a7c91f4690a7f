import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createHash, randomBytes } from 'node:crypto'
import { Browser } from '../../fixtures/browser.ts'
import { clientId } from '../../fixtures/identity-provider.ts'
import { makeOidcHome } from '../../fixtures/oidc-home.ts'
import type { OidcHome, OidcHomeOptions } from '../../fixtures/oidc-home.ts'
import { personIn } from '../../fixtures/person.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import type { Run } from '../../fixtures/run-program.ts'
import { repository, until } from '../../fixtures/terminal.ts'
import type { BypassCase } from '../bypass-case.ts'
import { gotPods, pidsOf, usualRules } from '../siege.ts'
import type { Siege } from '../siege.ts'

const kubeguard = join(repository, 'bin', 'kubeguard')

const oidcHome = (options?: OidcHomeOptions): Promise<OidcHome> => makeOidcHome(onTestFinished, options)

/** Asks as a client would, with whatever program may be one. */
function askFor({ home }: OidcHome, credential = 'corp.given'): Promise<Run> {
  const plugin = join(home.guardHome, 'data', 'bin', 'kubeguard-credential')
  const line = JSON.stringify([plugin, '--policy', 'corp', '--credential', credential])
  const env = { KUBEGUARD_PROMPT: 'never' }
  return home.run('/usr/bin/python3', ['-c', `import subprocess; subprocess.run(${line})`], { env })
}

/** @returns the token that an open session gives. @throws Error where it gives none: then nothing is shown */
async function tokenOf(place: OidcHome): Promise<string> {
  const { stdout, stderr } = await askFor(place)
  const token = /"token":"([^"]+)"/.exec(stdout)?.[1]
  if (token === undefined) throw new Error(`not even while unlocked: ${stderr}`)
  return token
}

/** An account's installation whose session was opened by a log-in. */
async function opened({ own }: Siege, offline = false): Promise<OidcHome> {
  const place = await oidcHome({ account: own, ...(offline && { settings: { scopes: ['offline_access'] } }) })
  using shell = await personIn(place.home, { BROWSER: place.browser })
  const { code, shown } = await shell.enter(`${kubeguard} unlock corp`, 120_000)
  if (code !== 0) throw new Error(`not unlocked: ${shown}`)
  return place
}

async function isOpen(place: OidcHome): Promise<boolean> {
  const asked = await askFor(place)
  const direct = await place.home.realKubectl(['get', 'pods'], { env: { KUBEGUARD_PROMPT: 'never' } })
  return asked.stdout.includes('"token"') || gotPods(direct)
}

function* filesBelow(folder: string): Iterable<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) yield join(entry.parentPath, entry.name)
}

/** A token lies on disk when its signature does, whatever stands around it. */
function isOnDisk({ home }: OidcHome, token: string): boolean {
  const signature = token.split('.')[2] as string
  return [...filesBelow(home.root)].some(
    (file) => statSync(file).size < 64 * 1024 * 1024 && readFileSync(file, 'latin1').includes(signature),
  )
}

async function afterLock(siege: Siege): Promise<boolean> {
  const place = await opened(siege)
  const token = await tokenOf(place)
  const wasOnDisk = isOnDisk(place, token)
  await place.home.lock()
  return wasOnDisk || isOnDisk(place, token) || (await isOpen(place))
}

/** Ptrace, memory and descriptors of who holds what is to be taken back, as the same account. */
async function revokersMemory(siege: Siege): Promise<boolean> {
  const place = await opened(siege, true)
  const [revoker] = pidsOf({ ...siege, home: place.home }, 'revoker')
  if (revoker === undefined) throw new Error('there is no revoker')
  const reads = await Promise.all(
    ['mem', 'environ', 'maps', 'fd'].map((file) => place.home.run('/bin/ls', [`/proc/${revoker}/${file}/`])),
  )
  const memory = await place.home.run('/usr/bin/python3', ['-c', `open('/proc/${revoker}/mem', 'rb')`])
  return memory.code === 0 || reads.some(({ stdout }) => stdout !== '')
}

async function begunBefore({ own }: Siege): Promise<boolean> {
  const place = await oidcHome({ account: own })
  const { home, idleBrowser, provider } = place
  using shell = await personIn(home, { BROWSER: idleBrowser })
  const from = shell.output.length
  shell.type(`${kubeguard} unlock corp; echo "code"=$?\r`)
  const shown = await shell.showsAfter(from, /http:\/\/localhost:\d+\/[\w-]{32}/, 60_000)
  const [start = ''] = /http:\/\/localhost:\d+\/[\w-]{32}/.exec(shown.replaceAll(/\r?\n/g, '')) ?? []
  await home.lock()
  // The command may have ended with the lock: then nobody is there to come back to.
  await new Browser(provider.caPem).logIn(start, 'alice').catch(() => undefined)
  await shell.showsAfter(from, /code=\d+/, 60_000)
  return isOpen(place)
}

/** Logs in as himself, and brings the code to whoever waits for another's: he is to work in his name. */
async function anothersAnswer({ own }: Siege): Promise<boolean> {
  const place = await oidcHome({ account: own })
  const { home, idleBrowser, provider, redirect } = place
  using shell = await personIn(home, { BROWSER: idleBrowser })
  const from = shell.output.length
  shell.type(`${kubeguard} unlock corp; echo "code"=$?\r`)
  const shown = await shell.showsAfter(from, /http:\/\/localhost:\d+\/[\w-]{32}/, 60_000)
  const [start = ''] = /http:\/\/localhost:\d+\/[\w-]{32}/.exec(shown.replaceAll(/\r?\n/g, '')) ?? []
  const verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    client_id: clientId,
    scope: 'openid',
    response_type: 'code',
    redirect_uri: redirect,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state: 'his-own',
    nonce: 'his-own',
  })
  const attacker = new Browser(provider.caPem)
  const page = await attacker.logIn(`${provider.issuer}/auth?${query}`, 'mallory')
  if (page.status !== 403) throw new Error(`his own answer was met with ${page.status}`)
  const stillWaits = await new Browser(provider.caPem).logIn(start, 'alice')
  await shell.showsAfter(from, 'code=0', 60_000)
  const claims = Buffer.from((await tokenOf(place)).split('.')[1] ?? '', 'base64url').toString()
  return stillWaits.status !== 200 || !claims.includes('"alice"')
}

/** Who can write the policy file has the vault opened by a provider of his own. */
async function anotherFactor(siege: Siege): Promise<boolean> {
  const { home, own } = siege
  const place = await oidcHome({ account: own })
  const { provider, redirect, browser } = place
  const oidc = { issuer: provider.issuer, clientId, redirect: [redirect], ca: provider.caFile(place.home) }
  await home.lock()
  writePolicy(home, { idle: '10m', more: `    unlock: [oidc]\n    oidc: ${JSON.stringify(oidc)}\n` })
  try {
    using shell = await personIn(home, { BROWSER: browser })
    const check = await home.kubeguard(['policy', 'check'])
    if (check.code !== 78 || !/config\.yaml:\d+:5: .*only a passphrase opens/.test(check.stdout))
      throw new Error(`policy check says nothing of it: ${check.stdout}`)
    const { shown } = await shell.enter(`${kubeguard} unlock default; ${kubeguard} unlock prod`, 120_000)
    if (!shown.includes('only a passphrase opens')) throw new Error(`it is not said: ${shown}`)
    return gotPods(await home.kubectl(['get', 'pods'], { env: { KUBEGUARD_PROMPT: 'never' } }))
  } finally {
    writePolicy(home, usualRules)
    await until('the usual rules', async () => (await home.kubeguard(['policy', 'check'])).code === 0)
  }
}

/** What kubelogin had cached before its log-in became the policy’s: a token that was good until then. */
async function cachedBefore(siege: Siege): Promise<boolean> {
  const place = await opened(siege)
  const { home, provider } = place
  const token = await tokenOf(place)
  const works = await home.realKubectl(['--token', token, 'get', 'pods'])
  const cache = `${home.home}/.kube/cache/oidc-login`
  const file = `'{"id_token":"${token}"}' >${cache}/0123abcd`
  const cached = await home.run('/bin/sh', ['-c', `mkdir -p ${cache} && echo ${file}`])
  await home.realKubectl(['config', 'unset', 'users.me'])
  const user = await home.realKubectl([
    'config',
    'set-credentials',
    'me',
    '--exec-command=kubectl',
    '--exec-interactive-mode=IfAvailable',
    '--exec-api-version=client.authentication.k8s.io/v1',
    `--exec-arg=oidc-login,get-token,--oidc-issuer-url=${provider.issuer},--oidc-client-id=${clientId}`,
  ])
  if (!gotPods(works) || !isOnDisk(place, token))
    throw new Error(`nothing good was cached: ${works.stderr}${cached.stderr}${user.stderr}`)
  const adopted = await home.kubeguard(['adopt', '--yes'])
  if (!adopted.stderr.includes('are wiped')) throw new Error(`not adopted: ${adopted.stderr}`)
  await home.lock()
  return isOnDisk(place, token) || (await isOpen(place))
}

export const oidcCases: readonly BypassCase[] = [
  {
    name: 'what a log-in at a provider gave, asked for after the lock, and looked for on disk',
    whileUnlocked: 'own',
    attempt: afterLock,
  },
  {
    name: 'memory and descriptors of who is to have a token taken back',
    whileUnlocked: 'own',
    attempt: revokersMemory,
  },
  {
    name: 'a log-in at a provider begun before the lock and finished after it',
    whileUnlocked: 'own',
    attempt: begunBefore,
  },
  {
    name: 'the answer to another log-in, brought to where the browser is waited for',
    whileUnlocked: 'own',
    attempt: anothersAnswer,
  },
  {
    name: 'a vault whose policy is turned to a provider of the attacker’s',
    whileUnlocked: 'own',
    attempt: anotherFactor,
  },
  {
    name: 'a token that kubelogin had cached before its log-in became the policy’s',
    whileUnlocked: 'own',
    attempt: cachedBefore,
  },
]
