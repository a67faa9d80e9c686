/** Claims that every kind of account really sends, by what the providers document. */

export const GOOGLE_WORKSPACE = {
  azp: 'client-1',
  sub: '110169484474386276334',
  hd: 'example.com',
  email: 'ann@example.com',
  email_verified: true,
  name: 'Ann Example',
  picture: 'https://lh3.googleusercontent.com/a/example',
  given_name: 'Ann',
  family_name: 'Example',
}

export const GOOGLE_CONSUMER = {
  azp: 'client-1',
  sub: '110169484474386276335',
  email: 'bob@gmail.com',
  email_verified: true,
  name: 'Bob',
}

export const TENANT_A = '72f988bf-86f1-41af-91ab-2d7cd011db47'
export const TENANT_B = '0f1d3a52-2c4e-4a68-8f5a-6f4f3f1f2b11'
export const TENANT_EVIL = 'badbadba-dbad-4bad-8bad-badbadbadbad'
export const PERSONAL = '9188040d-6c67-4c5b-b112-36a304b66dad'

export const entraClaims = (tenant: string) => ({
  iss: `https://login.microsoftonline.com/${tenant}/v2.0`,
  sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
  oid: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
  tid: tenant,
  ver: '2.0',
  name: 'Ann Example',
  preferred_username: 'ann@example.com',
  email: 'ann@example.com',
})

export const COGNITO = {
  sub: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
  token_use: 'id',
  'cognito:username': 'ann',
  email: 'ann@example.com',
  email_verified: true,
  auth_time: 1_700_000_000,
}
