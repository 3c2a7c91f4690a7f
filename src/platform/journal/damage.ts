/** The database was written by a newer kubeguard. */
export class NewerSchemaError extends Error {
  override readonly name = 'NewerSchemaError'
}

/** A row that the journal can't do without is gone. */
export class MissingRowError extends Error {
  override readonly name = 'MissingRowError'
}

const damageCodes = /^SQLITE_(CORRUPT|NOTADB|CONSTRAINT)/

/**
 * Can only a new database help? A constraint that fails is a chain whose head was moved; a table that is
 * missing is one that somebody removed. A full disk or a file without rights is no damage: it may be
 * mended.
 */
export function isDamage(error: unknown): boolean {
  if (error instanceof NewerSchemaError || error instanceof MissingRowError) return true
  const code = codeOf(error)
  if (damageCodes.test(code)) return true
  return code === 'SQLITE_ERROR' && /no such (table|column)|already exists/.test((error as Error).message)
}

/** For a problem's line and for the first entry of the new journal. */
export function reasonOf(error: unknown): string {
  if (error instanceof NewerSchemaError) return `written by a newer kubeguard (${error.message})`
  const code = codeOf(error)
  if (code === 'SQLITE_FULL' || code === 'ENOSPC') return 'the disk is full'
  return code === '' ? (error as Error).message : `${(error as Error).message} (${code})`
}

const codeOf = (error: unknown): string => String((error as { code?: unknown }).code ?? '')
