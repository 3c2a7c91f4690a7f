import type { Terminal } from '@xterm/headless'
import type { Attributes } from './attributes.ts'

/** What a terminal's program can have set and the typings don't show; @xterm/headless is pinned for their sake. */
export interface Inner {
  /** Lines that have scrolled out: what is saved counts from the first of them. */
  readonly ybase: number
  readonly scrollTop: number
  readonly scrollBottom: number
  readonly savedX: number
  readonly savedY: number
  readonly savedCurAttrData: Attributes
  readonly savedCharset: Charset | undefined
  readonly tabs: Readonly<Record<number, boolean>>
}

export type Charset = Readonly<Record<string, string>>

export interface Core {
  readonly buffers: { readonly normal: Inner; readonly alt: Inner; readonly active: Inner }
  readonly _inputHandler: { readonly _curAttrData: Attributes }
  readonly _charsetService: {
    readonly glevel: number
    /** The one that draws: what was saved brings back no other. */
    readonly charset: Charset | undefined
    readonly _charsets: readonly (Charset | undefined)[]
  }
  readonly coreService: {
    readonly decPrivateModes: { readonly cursorStyle?: string; readonly cursorBlink?: boolean }
  }
}

export const coreOf = (terminal: Terminal): Core => (terminal as unknown as { _core: Core })._core
