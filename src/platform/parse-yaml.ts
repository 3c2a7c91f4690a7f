import { Document, parseDocument, YAMLParseError } from 'yaml'
import type { ParsedNode } from 'yaml'

type Options = Exclude<Parameters<typeof parseDocument>[1], undefined>

/**
 * The library's `parseDocument`, which reports what is nested too deep as an error of the document (RESOURCE_EXHAUSTION),
 * but not where its parser itself comes to the end of the stack, as in `- - - - …`: that is reported so here.
 */
export function parseYaml(text: string, options: Options): Document.Parsed {
  try {
    return parseDocument(text, options)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const empty = new Document(null, options) as Document.Parsed<ParsedNode>
    empty.errors.push(new YAMLParseError([0, 1], 'RESOURCE_EXHAUSTION', tooDeep))
    return empty
  }
}

export const tooDeep = 'it is nested too deep here'
