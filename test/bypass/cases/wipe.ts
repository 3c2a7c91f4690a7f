import { chownSync, existsSync, lchownSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../fixtures/terminal.ts'
import { cachedSecret, tokenCacheFiles, writeFiles } from '../../fixtures/token-caches.ts'
import type { BypassCase } from '../bypass-case.ts'
import { crash, startAgain } from '../siege.ts'
import type { Siege } from '../siege.ts'

const cached = tokenCacheFiles['aws-sso']

const isReadable = async ({ home }: Siege): Promise<boolean> =>
  (await home.run('/bin/grep', ['-rq', cachedSecret, join(home.home, '.aws', 'sso')])).code === 0

/** As `aws sso login` would in a session that is open. */
async function logIn(siege: Siege): Promise<void> {
  await siege.home.unlock('default')
  writeFiles(siege.home.home, cached, siege.own)
  if (!(await isReadable(siege))) throw new Error('the token is not in its cache')
}

async function afterCrash(siege: Siege): Promise<boolean> {
  await logIn(siege)
  await crash(siege, 'daemon', 'keeper')
  await startAgain(siege)
  await until('a swept home', async () => !(await isReadable(siege)), { withinMs: 10_000 }).catch(() => false)
  return isReadable(siege)
}

/** Somebody else's file, and one of the account's own that is no cache; through links that a tool never makes. */
async function linkedOut(siege: Siege): Promise<boolean> {
  const { home, own, other } = siege
  const files = [join(home.root, 'foreign'), join(home.home, 'precious')] as const
  const links = files.map((_, index) => join(home.home, '.aws/sso/cache', `link-${index}`))
  await logIn(siege)
  files.forEach((path, index) => {
    writeFileSync(path, 'precious', { mode: 0o666 })
    const { uid, gid } = index === 0 ? other : own
    chownSync(path, uid, gid)
    symlinkSync(path, links[index] as string)
    lchownSync(links[index] as string, own.uid, own.gid)
  })
  try {
    await home.kubeguard(['lock'])
    return files.some((path) => !existsSync(path) || readFileSync(path, 'utf8') !== 'precious')
  } finally {
    for (const path of [...files, ...links]) rmSync(path, { force: true })
    await home.lock()
  }
}

export const wipeCases: readonly BypassCase[] = [
  {
    name: 'a token in another tool’s cache that the policy wipes',
    whileUnlocked: 'own',
    attempt: async (siege) => {
      await logIn(siege)
      await siege.home.lock()
      return isReadable(siege)
    },
  },
  {
    name: 'such a token, daemon and keeper killed at once, after the next start',
    whileUnlocked: 'own',
    attempt: afterCrash,
  },
  {
    name: 'a link in such a cache, to have a file elsewhere wiped',
    whileUnlocked: 'own',
    attempt: linkedOut,
  },
]
