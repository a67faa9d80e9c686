/** Names of the form fields that the pages post, for those who read the posts. */
export const FORM_FIELDS = {
  /** In every form: `FormView.csrfToken`. */
  csrfToken: 'csrf_token',
  /** In the forms of an `ApiTokenView`: the pasted token. */
  apiToken: 'api_token',
  /** In the form of the development login: the `subject` of the button that was pressed. */
  devSubject: 'subject',
  /** In `AdminView.invite`: the e-mail address to invite. */
  inviteEmail: 'email',
} as const
