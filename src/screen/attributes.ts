/** What a cell, or the pen that draws the next one, looks like. */
export interface Attributes {
  isBold(): number
  isDim(): number
  isItalic(): number
  isUnderline(): number
  isBlink(): number
  isInverse(): number
  isInvisible(): number
  isStrikethrough(): number
  isOverline(): number
  isFgRGB(): boolean
  isFgPalette(): boolean
  getFgColor(): number
  isBgRGB(): boolean
  isBgPalette(): boolean
  getBgColor(): number
  getUnderlineStyle(): number
  isUnderlineColorDefault(): boolean
  isUnderlineColorRGB(): boolean
  getUnderlineColor(): number
}

type Flag = 'isBold' | 'isDim' | 'isItalic' | 'isBlink' | 'isInverse' | 'isInvisible' | 'isStrikethrough'

const flags: readonly (readonly [Flag | 'isOverline', number])[] = [
  ['isBold', 1],
  ['isDim', 2],
  ['isItalic', 3],
  ['isBlink', 5],
  ['isInverse', 7],
  ['isInvisible', 8],
  ['isStrikethrough', 9],
  ['isOverline', 53],
]

/** SGR (ECMA-48, 8.3.117) that makes a pen of any kind draw like this one. */
export function penOf(attributes: Attributes): string {
  const set = flags.filter(([flag]) => attributes[flag]() !== 0).map(([, code]) => String(code))
  return `\x1b[${['0', ...set, ...underline(attributes), ...foreground(attributes), ...background(attributes)].join(';')}m`
}

/** The same for what is erased: it takes the background alone. */
export function erasingPenOf(attributes: Attributes): string {
  return `\x1b[${['0', ...background(attributes)].join(';')}m`
}

export const hasBackground = (attributes: Attributes): boolean =>
  attributes.isBgRGB() || attributes.isBgPalette()

function underline(attributes: Attributes): string[] {
  if (attributes.isUnderline() === 0) return []
  const style = attributes.getUnderlineStyle()
  const line = style > 1 ? `4:${style}` : '4'
  if (attributes.isUnderlineColorDefault()) return [line]
  const color = attributes.getUnderlineColor()
  return [line, attributes.isUnderlineColorRGB() ? `58:2::${rgb(color).join(':')}` : `58:5:${color & 0xff}`]
}

function foreground(attributes: Attributes): string[] {
  const color = attributes.getFgColor()
  if (attributes.isFgRGB()) return ['38', '2', ...rgb(color)]
  return attributes.isFgPalette() ? palette(color, { dark: 30, bright: 90, more: '38' }) : []
}

function background(attributes: Attributes): string[] {
  const color = attributes.getBgColor()
  if (attributes.isBgRGB()) return ['48', '2', ...rgb(color)]
  return attributes.isBgPalette() ? palette(color, { dark: 40, bright: 100, more: '48' }) : []
}

function palette(
  color: number,
  { dark, bright, more }: { dark: number; bright: number; more: string },
): string[] {
  if (color < 8) return [String(dark + color)]
  return color < 16 ? [String(bright + color - 8)] : [more, '5', String(color)]
}

const rgb = (color: number): string[] => [16, 8, 0].map((shift) => String((color >> shift) & 0xff))
