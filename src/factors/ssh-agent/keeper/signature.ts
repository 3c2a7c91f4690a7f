import { createHash, createPublicKey, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { WireReader, packed } from './wire.ts'

/**
 * What is signed is what `ssh-keygen -Y sign -n kubeguard` would sign (OpenSSH's PROTOCOL.sshsig): no server takes it for a
 * log-in, and no signature made for something else is one for us.
 */
const magic = 'SSHSIG'
const namespace = 'kubeguard'

/** @param message fresh for each attempt */
export function toBeSigned(message: Buffer): Buffer {
  const digest = createHash('sha512').update(message).digest()
  return Buffer.concat([
    Buffer.from(magic),
    ...[namespace, '', 'sha512', digest].map((part) => packed(part as string)),
  ])
}

/** SSH_AGENT_RSA_SHA2_512 (draft-miller-ssh-agent, 4.5.1): RSA with SHA-1 is never asked for, and never taken. */
export const rsaSha512Flag = 4

const userPresent = 1

/** A public key as SSH has it, and how its signatures are verified. By node:crypto alone. */
interface PublicKey {
  readonly key: KeyObject
  readonly algorithm: string
  readonly hash: string | null
  /** A hardware key: what its signature is made over beside the message. */
  readonly application?: Buffer
}

const base64url = (bytes: Buffer): string => bytes.toString('base64url')

/** @throws Error for what is none, or of a type that is not known */
function publicKey(blob: Buffer): PublicKey {
  const reader = new WireReader(blob)
  const type = reader.bytes().toString('latin1')
  switch (type) {
    case 'ssh-ed25519':
    case 'sk-ssh-ed25519@openssh.com': {
      const key = createPublicKey({
        key: { kty: 'OKP', crv: 'Ed25519', x: base64url(reader.bytes()) },
        format: 'jwk',
      })
      return { key, algorithm: type, hash: null, ...applicationOf(type, reader) }
    }
    case 'ecdsa-sha2-nistp256':
    case 'sk-ecdsa-sha2-nistp256@openssh.com': {
      reader.bytes()
      // SEC 1, 2.3.3: 4, then x and y.
      const point = reader.bytes()
      const jwk = {
        kty: 'EC',
        crv: 'P-256',
        x: base64url(point.subarray(1, 33)),
        y: base64url(point.subarray(33)),
      }
      return {
        key: createPublicKey({ key: jwk, format: 'jwk' }),
        algorithm: type,
        hash: 'sha256',
        ...applicationOf(type, reader),
      }
    }
    case 'ssh-rsa': {
      const [e, n] = [reader.bytes(), reader.bytes()].map(withoutZeros) as [Buffer, Buffer]
      const key = createPublicKey({ key: { kty: 'RSA', e: base64url(e), n: base64url(n) }, format: 'jwk' })
      return { key, algorithm: 'rsa-sha2-512', hash: 'sha512' }
    }
    default:
      throw new Error('a key of an unknown type')
  }
}

function applicationOf(type: string, reader: WireReader): { application?: Buffer } {
  return type.startsWith('sk-') ? { application: reader.bytes() } : {}
}

/**
 * Is this a signature over the message, by this key, and where the key is a hardware one, with a touch?
 *
 * @param blob the public key
 * @param signature as the agent gave it
 */
export function isSignedBy(blob: Buffer, message: Buffer, signature: Buffer): boolean {
  try {
    const { key, algorithm, hash, application } = publicKey(blob)
    const reader = new WireReader(signature)
    if (reader.bytes().toString('latin1') !== algorithm) return false
    const bytes = reader.bytes()
    const signed = toBeSigned(message)
    const data = application === undefined ? signed : hardwareData(signed, application, reader)
    reader.end()
    if (data === undefined) return false
    return verify(hash, data, verifying(key), algorithm.includes('ecdsa') ? joined(bytes) : bytes)
  } catch {
    return false
  }
}

const verifying = (key: KeyObject) => ({ key, dsaEncoding: 'ieee-p1363' as const })

/** What a hardware key has signed (PROTOCOL.u2f, "SSH U2F signatures"). @returns undefined without a touch */
function hardwareData(signed: Buffer, application: Buffer, reader: WireReader): Buffer | undefined {
  const flagsAndCounter = reader.take(5)
  if (((flagsAndCounter[0] ?? 0) & userPresent) === 0) return undefined
  const digest = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()
  return Buffer.concat([digest(application), flagsAndCounter, digest(signed)])
}

/** r and s, each of 32 bytes, from two numbers with their length (RFC 5656, 3.1.2). */
function joined(bytes: Buffer): Buffer {
  const reader = new WireReader(bytes)
  const parts = [reader.bytes(), reader.bytes()].map(withoutZeros)
  reader.end()
  return Buffer.concat(
    parts.map((part) => Buffer.concat([Buffer.alloc(Math.max(0, 32 - part.length)), part])),
  )
}

function withoutZeros(number: Buffer): Buffer {
  const first = number.findIndex((byte) => byte !== 0)
  return first < 0 ? Buffer.alloc(0) : number.subarray(first)
}
