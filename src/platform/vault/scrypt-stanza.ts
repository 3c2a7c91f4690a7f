import { createCipheriv, createDecipheriv, randomBytes, scrypt, scryptSync } from 'node:crypto'
import { promisify } from 'node:util'
import { Stanza } from 'age-encryption'
import type { Identity, Recipient } from 'age-encryption'

/**
 * age's scrypt stanza (age-encryption.org/v1, "The scrypt recipient type"), with OpenSSL's scrypt
 * instead of the library's in JavaScript, which takes four times as long for the same work.
 */

const label = Buffer.from('age-encryption.org/v1/scrypt')
const saltBytes = 16
const blockSize = 8
const keyBytes = 32
const tagBytes = 16
const fileKeyBytes = 16
/** The format allows the zero nonce because each key wraps one file key. */
const nonce = Buffer.alloc(12)

/** At least 128 MiB per guess: N × 128 × r. */
const leastLogN = 17
/** 1 GiB; a machine that does this in 0.3 s is faster than any today. */
const mostLogNWritten = 20
/** 4 GiB; the `age` command accepts the same. A file that asks for more is refused as damaged. */
const mostLogNRead = 22
/** CPU time that one guess must cost here. */
const leastGuessMs = 300

const scryptAsync = promisify<Buffer, Buffer, number, object, Buffer>(scrypt)

const parameters = (logN: number) => ({ N: 2 ** logN, r: blockSize, p: 1, maxmem: 2 ** logN * 2048 })

/**
 * How much work a guess shall cost: log2 of scrypt's N, at least 17, and at least 0.3 s of this
 * machine's time. CPU time is measured, so that a busy machine does not end up with a cheap vault.
 */
export function calibrateLogN(): number {
  for (let logN = leastLogN; logN < mostLogNWritten; logN += 1) {
    const before = process.cpuUsage()
    scryptSync('', nonce, keyBytes, parameters(logN))
    const spent = process.cpuUsage(before)
    if (spent.user + spent.system >= leastGuessMs * 1000) return logN
  }
  return mostLogNWritten
}

/** Seals a file key with a passphrase. Works on the caller's buffer and keeps no copy. */
export class PassphraseRecipient implements Recipient {
  readonly #passphrase: Buffer
  readonly #logN: number

  constructor(passphrase: Buffer, logN: number) {
    this.#passphrase = passphrase
    this.#logN = logN
  }

  async wrapFileKey(fileKey: Uint8Array): Promise<Stanza[]> {
    const salt = randomBytes(saltBytes)
    const key = await scryptAsync(
      this.#passphrase,
      Buffer.concat([label, salt]),
      keyBytes,
      parameters(this.#logN),
    )
    const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: tagBytes })
    const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()])
    key.fill(0)
    return [new Stanza(['scrypt', withoutPadding(salt), String(this.#logN)], body)]
  }
}

/** Opens what a PassphraseRecipient, or `age -p`, sealed. */
export class PassphraseIdentity implements Identity {
  readonly #passphrase: Buffer
  #refused = false

  constructor(passphrase: Buffer) {
    this.#passphrase = passphrase
  }

  /** Was a passphrase stanza found that this passphrase does not open? */
  get refused(): boolean {
    return this.#refused
  }

  async unwrapFileKey(stanzas: Stanza[]): Promise<Uint8Array | null> {
    const stanza = stanzas.find(({ args }) => args[0] === 'scrypt')
    if (stanza === undefined) return null
    if (stanzas.length !== 1) throw new Error('scrypt recipient is not the only one in the header')
    const { salt, logN } = readArguments(stanza)
    const key = await scryptAsync(this.#passphrase, Buffer.concat([label, salt]), keyBytes, parameters(logN))
    const fileKey = decrypt(stanza.body, key)
    key.fill(0)
    this.#refused = fileKey === null
    return fileKey
  }
}

function readArguments({ args, body }: Stanza): { salt: Buffer; logN: number } {
  const [, saltText, logNText] = args
  const salt = Buffer.from(saltText ?? '', 'base64')
  const malformed =
    args.length !== 3 ||
    salt.length !== saltBytes ||
    withoutPadding(salt) !== saltText ||
    !/^[1-9][0-9]?$/.test(logNText ?? '') ||
    body.length !== fileKeyBytes + tagBytes
  if (malformed) throw new Error('invalid scrypt stanza')
  const logN = Number(logNText)
  if (logN > mostLogNRead) throw new Error('scrypt work factor is too high')
  return { salt, logN }
}

function decrypt(body: Uint8Array, key: Buffer): Uint8Array | null {
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: tagBytes })
  decipher.setAuthTag(body.subarray(fileKeyBytes))
  const fileKey = decipher.update(body.subarray(0, fileKeyBytes))
  try {
    decipher.final()
    return fileKey
  } catch {
    return null
  }
}

const withoutPadding = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')
