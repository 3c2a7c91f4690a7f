import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
} from 'node:fs'
import { lchownSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { encodeRequest } from '../../../src/protocol/frame.ts'
import { passphrase } from '../../fixtures/home.ts'
import type { Account, Run } from '../../fixtures/run-program.ts'
import { runProgram } from '../../fixtures/run-program.ts'
import { node, until } from '../../fixtures/terminal.ts'
import type { BypassCase } from '../bypass-case.ts'
import { asOther, gotPods } from '../siege.ts'
import type { Siege } from '../siege.ts'

const placeOf = ({ home }: Siege, ...parts: string[]): string => join(home.guardHome, ...parts)
const vaultOf = (siege: Siege, ...parts: string[]): string =>
  placeOf(siege, 'state', 'vaults', 'default', ...parts)
const chownTo = (path: string, { uid, gid }: Account): void => chownSync(path, uid, gid)

function linkTo(target: string, path: string, { uid, gid }: Account): void {
  symlinkSync(target, path)
  lchownSync(path, uid, gid)
}

const unlocks = async ({ home }: Siege): Promise<Run> =>
  home.kubeguard(['unlock', 'default', '--passphrase-fd', '3'], { fd3: passphrase })

/** @throws Error where what must work as a control does not: the attack next to it would prove nothing. */
function control(run: Run, what: string): void {
  if (run.code !== 0) throw new Error(`${what} failed by itself: ${run.stderr}${run.stdout}`)
}

/** Any of our private files, read or listed by another account. */
async function readByOther(siege: Siege): Promise<boolean> {
  const files = [
    vaultOf(siege, 'identity.age'),
    vaultOf(siege, 'vault.age'),
    placeOf(siege, 'state', 'journal.db'),
  ]
  const folders = [vaultOf(siege), placeOf(siege, 'state'), placeOf(siege, 'run')]
  for (const [program, paths] of [
    ['/bin/cat', files],
    ['/bin/ls', folders],
  ] as const) {
    for (const path of paths) {
      control(await siege.home.run(program, [path]), `${program} ${path} by its owner`)
      if ((await asOther(siege, program, [path])).code === 0) return true
    }
  }
  return false
}

/** What a thief of the home directory has: every file of the vaults, as it is. */
async function plainInVault(siege: Siege): Promise<boolean> {
  const { secrets, home } = siege
  const decoded = secrets.map((secret) => Buffer.from(secret, 'base64'))
  const needles = [passphrase, ...secrets, ...decoded, 'AGE-SECRET-KEY-', 'PRIVATE KEY']
  const vaults = placeOf(siege, 'state', 'vaults')
  const files = readdirSync(vaults, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  const sealed = files.filter(({ name }) => name.endsWith('.age'))
  if (sealed.length < 4) throw new Error('where are the vaults?')
  control(
    await home.run('/bin/grep', ['-q', 'age-encryption.org', vaultOf(siege, 'vault.age')]),
    'reading a vault',
  )
  return files.some(({ parentPath, name }) => {
    const bytes = readFileSync(join(parentPath, name))
    return needles.some((needle) => needle.length > 0 && bytes.includes(needle))
  })
}

/** Puts something in a file's place while locked; `tamper` has to leave nothing but that. */
async function inPlaceOf(siege: Siege, path: string, tamper: (kept: string) => void): Promise<boolean> {
  control(await unlocks(siege), 'unlocking')
  await siege.home.lock()
  const kept = `${path}.kept`
  renameSync(path, kept)
  try {
    tamper(kept)
    const run = await unlocks(siege)
    return run.code === 0 || gotPods(await siege.home.realKubectl(['get', 'pods']))
  } finally {
    rmSync(path, { force: true })
    renameSync(kept, path)
    await siege.home.lock()
    control(await unlocks(siege), 'unlocking afterwards')
  }
}

/** One bit turned over near the end of the vault. */
function editedVault(siege: Siege): Promise<boolean> {
  const vault = vaultOf(siege, 'vault.age')
  return inPlaceOf(siege, vault, (kept) => {
    const bytes = readFileSync(kept)
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 20) ^ 1, bytes.length - 20)
    writeFileSync(vault, bytes, { mode: 0o600 })
    chownTo(vault, siege.own)
  })
}

async function linkedVault(siege: Siege): Promise<boolean> {
  const names = ['vault.age', 'identity.age'].map((name) => vaultOf(siege, name))
  for (const path of names) {
    if (await inPlaceOf(siege, path, (kept) => linkTo(kept, path, siege.own))) return true
  }
  return false
}

/** Edits the journal while nobody has it open. @returns whether that went unnoticed. */
async function editedUnnoticed(siege: Siege, edit: string): Promise<boolean> {
  const journal = placeOf(siege, 'state', 'journal.db')
  const verify = (): Promise<Run> => siege.home.kubeguard(['log', 'verify'])
  await siege.home.unlock('default')
  control(await verify(), 'log verify')
  await siege.home.kubeguard(['daemon', 'stop'])
  copyFileSync(journal, `${journal}.kept`)
  const database = new Sqlite(journal)
  const { changes } = database.prepare(edit).run()
  database.close()
  if (changes !== 1) throw new Error(`${changes} rows were edited`)
  const { code, stderr } = await verify()
  await siege.home.kubeguard(['daemon', 'stop'])
  for (const left of [`${journal}-wal`, `${journal}-shm`]) rmSync(left, { force: true })
  renameSync(`${journal}.kept`, journal)
  chownTo(journal, siege.own)
  control(await verify(), 'log verify afterwards')
  if (code !== 0 && !stderr.includes('chain is broken')) throw new Error(`not for the edit: ${stderr}`)
  return code === 0
}

const edits = [
  `update entries set details = replace(details, 'a', 'b') where seq = (select max(seq) - 1 from entries where details like '%a%')`,
  `update entries set event = 'daemon-started' where seq = (select min(seq) from entries where event = 'unlocked')`,
  'delete from entries where seq = (select max(seq) from entries)',
  'delete from entries where seq = (select min(seq) + 1 from entries)',
]

async function editedJournal(siege: Siege): Promise<boolean> {
  for (const edit of edits) if (await editedUnnoticed(siege, edit)) return true
  return false
}

/** Takes connections as the daemon would, and keeps what it is told. */
const listener = `
const { appendFileSync, chmodSync } = require('node:fs')
const [path, heard] = process.argv.slice(1)
const server = require('node:net').createServer((socket) => {
  socket.on('data', (chunk) => appendFileSync(heard, chunk))
  socket.on('error', () => {})
})
server.listen(path, () => chmodSync(path, 0o777))
`
const connector = `
const socket = require('node:net').connect(process.argv[1])
let bytes = 0
socket.on('connect', () => socket.end(Buffer.from(process.argv[2], 'hex')))
socket.on('data', (chunk) => (bytes += chunk.length))
socket.on('error', (error) => console.log(error.code))
socket.on('close', () => console.log('bytes=' + bytes))
`
const statusRequest = encodeRequest('session.status', { cwd: Buffer.from('/') }).toString('hex')

/** A folder of the other account's with its own daemon in it. */
async function withImpostor(
  siege: Siege,
  attack: (socket: string, heard: () => number) => Promise<boolean>,
): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'kg-other-'))
  chownTo(folder, siege.other)
  chmodSync(folder, 0o755)
  const [socket, heard] = [join(folder, 'daemon.sock'), join(folder, 'heard')]
  const { uid, gid } = siege.other
  const impostor = spawn(node, ['-e', listener, socket, heard], {
    uid,
    gid,
    env: {},
    cwd: '/',
    stdio: 'ignore',
  })
  const heardBytes = (): number => (existsSync(heard) ? readFileSync(heard).length : 0)
  try {
    await until('the impostor to listen', () => existsSync(socket))
    control(await siege.home.run(node, ['-e', connector, socket, '']), 'connecting to the impostor')
    return await attack(socket, heardBytes)
  } finally {
    impostor.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Every kind of client of ours. @returns whether one of them was content. */
async function anyClientContent(siege: Siege): Promise<boolean> {
  const { home } = siege
  const runs = [
    await home.kubectl(['get', 'pods']),
    await home.realKubectl(['get', 'pods']),
    await home.kubeguard(['status']),
    await unlocks(siege),
  ]
  for (const { code, stderr } of runs)
    if (code !== 0 && !stderr.includes('kubeguard: ')) throw new Error(`not told why: ${stderr}`)
  return runs.some(({ code }) => code === 0)
}

/** The lock file names a socket behind which another account listens. */
async function plantedSocket(siege: Siege): Promise<boolean> {
  const lockFile = placeOf(siege, 'state', 'daemon.lock')
  return withImpostor(siege, async (socket, heard) => {
    await siege.home.kubeguard(['daemon', 'stop'])
    const link = placeOf(siege, 'run', 'elsewhere.sock')
    try {
      // By the path itself, and from a folder of ours by a link, whoever made it.
      for (const [path, maker] of [[socket], [link, siege.own], [link, siege.other]] as const) {
        rmSync(link, { force: true })
        if (maker !== undefined) linkTo(socket, link, maker)
        writeFileSync(lockFile, `${path}\n`)
        if ((await anyClientContent(siege)) || heard() > 0) return true
      }
      return false
    } finally {
      rmSync(link, { force: true })
      writeFileSync(lockFile, '')
      await siege.home.unlock('default')
    }
  })
}

/** A run folder that others may write to: someone could have changed the socket in it. */
async function openRunFolder(siege: Siege): Promise<boolean> {
  await siege.home.unlock('default')
  if (!gotPods(await siege.home.kubectl(['get', 'pods']))) throw new Error('unlocked, and yet no pods')
  chmodSync(placeOf(siege, 'run'), 0o777)
  try {
    return await anyClientContent(siege)
  } finally {
    chmodSync(placeOf(siege, 'run'), 0o700)
  }
}

/** The run folder leads to one of the other account's, with its daemon in it. */
async function linkedRunFolder(siege: Siege): Promise<boolean> {
  const run = placeOf(siege, 'run')
  return withImpostor(siege, async (socket, heard) => {
    await siege.home.kubeguard(['daemon', 'stop'])
    renameSync(run, `${run}.kept`)
    try {
      for (const maker of [siege.own, siege.other]) {
        rmSync(run, { force: true })
        linkTo(dirname(socket), run, maker)
        writeFileSync(placeOf(siege, 'state', 'daemon.lock'), `${join(run, 'daemon.sock')}\n`)
        if ((await anyClientContent(siege)) || heard() > 0) return true
      }
      return false
    } finally {
      rmSync(run, { force: true })
      renameSync(`${run}.kept`, run)
      writeFileSync(placeOf(siege, 'state', 'daemon.lock'), '')
      await siege.home.unlock('default')
    }
  })
}

const answered = ({ stdout }: Run): boolean => Number(/bytes=(\d+)/.exec(stdout)?.[1]) > 0

/** Once as things are, and once with all doors opened, so that only the check of the peer is left. */
async function otherConnects(siege: Siege): Promise<boolean> {
  await siege.home.unlock('default')
  const socket = placeOf(siege, 'run', 'daemon.sock')
  const args = ['-e', connector, socket, statusRequest]
  const own = await siege.home.run(node, args)
  if (!answered(own)) throw new Error(`the owner is not answered: ${own.stdout}`)
  const asIs = await asOther(siege, node, args)
  const doors = [placeOf(siege), placeOf(siege, 'run'), socket]
  for (const path of doors) chmodSync(path, 0o777)
  try {
    const open = await asOther(siege, node, args)
    if (/EACCES/.test(open.stdout)) throw new Error('not tried: the doors are closed')
    return answered(asIs) || answered(open)
  } finally {
    for (const path of doors) chmodSync(path, path === socket ? 0o600 : 0o700)
  }
}

/** Another account leaves files and links in our folders. */
async function plantedFiles(siege: Siege): Promise<boolean> {
  const names = [
    '.',
    'config',
    'state',
    'state/vaults',
    'state/vaults/default/pending',
    'run',
    'run/keepers',
    'data',
    'data/bin',
    'data/shims',
  ]
  for (const name of names) {
    const folder = placeOf(siege, name)
    mkdirSync(folder, { recursive: true })
    for (const [program, args] of [
      ['/usr/bin/touch', []],
      ['/bin/ln', ['-s', '/etc/passwd']],
    ] as const) {
      const path = join(folder, 'planted')
      control(await siege.home.run(program, [...args, path]), `planting ${path} by its owner`)
      rmSync(path)
      if (
        (await runProgram(program, [...args, path], { cwd: '/', env: {}, account: siege.other })).code === 0
      )
        return true
    }
  }
  return false
}

export const fileCases: readonly BypassCase[] = [
  {
    name: 'the vault, the journal and their folders read by another account',
    whileUnlocked: 'never',
    attempt: readByOther,
  },
  {
    name: 'the vault read by its own account: nothing in plain text',
    whileUnlocked: 'never',
    attempt: plainInVault,
  },
  { name: 'the vault edited', whileUnlocked: 'own', attempt: editedVault },
  { name: 'a symlink in place of the vault or the identity', whileUnlocked: 'own', attempt: linkedVault },
  { name: 'the journal edited: a row changed, or removed', whileUnlocked: 'own', attempt: editedJournal },
  {
    name: 'a lock file that names the socket of another account',
    whileUnlocked: 'own',
    attempt: plantedSocket,
  },
  { name: 'the run folder open to others', whileUnlocked: 'own', attempt: openRunFolder },
  { name: 'the run folder a symlink to another account’s', whileUnlocked: 'own', attempt: linkedRunFolder },
  { name: 'the daemon’s socket spoken to by another account', whileUnlocked: 'own', attempt: otherConnects },
  { name: 'files and links planted by another account', whileUnlocked: 'never', attempt: plantedFiles },
]
