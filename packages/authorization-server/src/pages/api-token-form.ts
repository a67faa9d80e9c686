import type { PageContext } from './document.js'
import { renderForm } from './form.js'
import { FORM_FIELDS } from './form-fields.js'
import { type Html, html } from './html.js'
import { isLinkUrl } from './link-url.js'
import type { ApiTokenView } from './pages.js'

const PROBLEMS = {
  empty: 'apiTokenEmpty',
  refused: 'apiTokenRefused',
  unavailable: 'apiTokenUnavailable',
  too_many: 'apiTokenTooMany',
} as const

/** Where a token form stands. */
export interface ApiTokenPlace {
  /** Distinguishes the fields of one page. */
  readonly id: string
  readonly submit: 'apiTokenSignIn' | 'apiTokenConnect' | 'apiTokenReplace'
  readonly isMain: boolean
}

/** Writes the form that takes a token of the upstream, with its hints and the problem of the last one. */
export function renderApiTokenForm(
  { texts }: PageContext,
  { label, helpUrl, hint, form, problem }: ApiTokenView,
  { id, submit, isMain }: ApiTokenPlace,
): Html {
  const described = `${problem === undefined ? '' : `${id}-problem `}${id}-hint`
  const invalid = problem !== undefined && html` aria-invalid="true" autofocus`
  const help =
    helpUrl !== undefined &&
    isLinkUrl(helpUrl) &&
    html`
      <p class="muted">
        <a href="${helpUrl}" target="_blank" rel="noopener noreferrer">${texts.text('apiTokenHelp', { label })}</a> ${texts.text('apiTokenOpensTab')}
      </p>
    `
  const format = hint !== undefined && html`${texts.text('apiTokenFormat', { hint })}. `
  return renderForm(
    form,
    html`
      <div class="stack">
        <div class="field">
          <label class="label" for="${id}"><bdi>${label}</bdi></label>
          <input id="${id}" name="${FORM_FIELDS.apiToken}" type="password" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="8192" required aria-describedby="${described}"${invalid}>
          ${problem && html`<p class="problem" id="${id}-problem" role="alert">${texts.text(PROBLEMS[problem])}</p>`}
          <p class="muted" id="${id}-hint">${format}${texts.text('apiTokenStored')}</p>
          ${help}
        </div>
        <button type="submit" class="${isMain ? 'main' : 'plain'}">${texts.text(submit)}</button>
      </div>
    `,
  )
}
