import escapeHTML from 'escape-html'

/** Markup, which is not escaped again when it is inserted into other markup. */
export class HTML {
  readonly markup: string

  constructor(markup: string) {
    this.markup = markup
  }
}

/** Template tag for markup. Strings are escaped; {@link HTML} is inserted unchanged. */
export function html(parts: TemplateStringsArray, ...values: readonly (string | HTML | readonly HTML[])[]): HTML {
  return new HTML(String.raw({ raw: parts }, ...values.map(markupOf)))
}

function markupOf(value: string | HTML | readonly HTML[]): string {
  if (typeof value === 'string') return escapeHTML(value)
  return value instanceof HTML ? value.markup : value.map(({ markup }) => markup).join('')
}
