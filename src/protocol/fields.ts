/**
 * The kinds of field a message may have, and the TypeScript type each one carries.
 *
 * - `text`: UTF-8 without NUL; `bytes`: anything (paths and argv are bytes on Linux);
 * - `textList`, `bytesList`: the tag repeated once per element, order kept;
 * - `uint`: a non-negative safe integer, eight bytes big-endian;
 * - `flag`: present means true;
 * - `secret`: bytes that no log or error may ever show;
 * - `json`: a document, checked by its reader.
 */
export type FieldKind = 'text' | 'bytes' | 'textList' | 'bytesList' | 'uint' | 'flag' | 'secret' | 'json'

export interface Field<Kind extends FieldKind = FieldKind, Optional extends boolean = boolean> {
  /** Unique in its message, 1 … 255, never reused for another meaning. */
  readonly tag: number
  readonly kind: Kind
  readonly optional: Optional
  /** Most bytes of one value, or of one element of a list. */
  readonly max: number
  readonly about: string
}

export type Fields = Readonly<Record<string, Field>>

interface KindValues {
  text: string
  bytes: Buffer
  textList: string[]
  bytesList: Buffer[]
  uint: number
  flag: boolean
  secret: Buffer
  json: unknown
}

type RequiredNames<F extends Fields> = {
  [Name in keyof F]: F[Name] extends Field<FieldKind, true> ? never : Name
}[keyof F]

/** The value that a set of fields describes. Lists and flags are always present once decoded. */
export type ValueOf<F extends Fields> = {
  [Name in RequiredNames<F>]: KindValues[F[Name]['kind']]
} & {
  [Name in Exclude<keyof F, RequiredNames<F>>]?: KindValues[F[Name]['kind']] | undefined
}

/** 64 KiB: longest path, context name or message anyone needs. */
const usualMax = 64 * 1024

export function required<Kind extends FieldKind>(
  tag: number,
  kind: Kind,
  about: string,
  max: number = usualMax,
): Field<Kind, false> {
  return { tag, kind, optional: false, max, about }
}

export function optional<Kind extends FieldKind>(
  tag: number,
  kind: Kind,
  about: string,
  max: number = usualMax,
): Field<Kind, true> {
  return { tag, kind, optional: true, max, about }
}
