import escapeHTML from 'escape-html'

/** Markup, as opposed to text that is yet to be escaped. */
export class HTML {
  readonly markup: string

  constructor(markup: string) {
    this.markup = markup
  }
}

type Content = string | HTML | readonly HTML[]

/** Markup with values in it: text is escaped, markup is put in as it is. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): HTML {
  return new HTML(String.raw({ raw: parts }, ...values.map(markupOf)))
}

function markupOf(content: Content): string {
  if (typeof content === 'string') return escapeHTML(content)
  return content instanceof HTML ? content.markup : content.map(({ markup }) => markup).join('')
}
