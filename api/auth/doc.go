// Package auth proves who a user is: it issues and verifies tokens and tickets, checks passwords,
// codes and passkeys, and limits how often somebody may guess them.
//
// A session is a signed-in device. It has two tokens. The access token is a JSON Web Token that
// lives for ten minutes and comes with every request. The refresh token is used once, to get the
// next pair; it stays with the client for as long as the session lives. Only hashes of refresh
// tokens are stored. When one that was replaced long ago is used, somebody has copied it, and the
// session ends.
//
// A join ticket lets a user enter the room of one attempt over the WebSocket, once, within a
// minute. A one-time token is the random secret of a mailed link, or of a sign-in that waits for
// its second step.
//
// Second factors are codes of an authenticator app (TOTP, RFC 6238), recovery codes, and passkeys
// (WebAuthn). A proof of identity says when the user of a session last gave a password or another
// factor; sensitive changes need a recent one.
//
// All keys are derived from auth.key: one for each kind of token, and one that seals the secrets
// of authenticator apps in the database.
package auth
