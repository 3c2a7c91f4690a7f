import { createHash } from 'node:crypto'

/** SHA-256 in hex. A pass is 256 random bits, so nothing slower is needed. */
export const passDigest = (pass: string): string => createHash('sha256').update(pass).digest('hex')
