import { FORM_FIELDS } from './form-fields.js'
import { type Html, html } from './html.js'
import type { FormView } from './pages.js'

/** Writes a form that posts `content` with the token against forged posts. */
export function renderForm({ action, csrfToken }: FormView, content: Html): Html {
  return html`
    <form method="post" action="${action}">
      <input type="hidden" name="${FORM_FIELDS.csrfToken}" value="${csrfToken}">
      ${content}
    </form>
  `
}

/** How a button looks: the one to press, an equal choice, one that steps back, or one in a row. */
export type ButtonLook = 'main' | 'plain' | 'quiet' | 'small' | 'small danger'

/** Writes a form that is one button. */
export function renderButtonForm(form: FormView, label: Html, look: ButtonLook = 'plain'): Html {
  return renderForm(form, html`<button type="submit" class="${look}">${label}</button>`)
}
