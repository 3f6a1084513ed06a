// Package auth says who calls. Its parts are [actionhero.Authenticator] functions with what belongs to them.
//
//   - [Sessions] are the logins of users with browsers.
//   - [Keys] issues and checks API keys for programs.
//   - [Bearer] checks tokens, [Basic] names and passwords, and [ClientCert] certificates of TLS. The module auth/oidc checks
//     the tokens of OpenID Connect issuers.
//   - [HashPassword] and [CheckPassword] hash and check passwords with Argon2id.
//
// [NewSessions] makes the sessions of an app, which are a part of it:
//
//	var sessions = auth.NewSessions(auth.SessionConfig{})
//
//	cli.Main(sessions, actionhero.DefaultAccess(actionhero.Authenticated), login, …)
//
// An action that has checked a password calls [Sessions.Login]. The browser gets a cookie, and all its requests and
// connections over WebSocket and Socket.IO have the identity of the user, until [Sessions.Logout].
package auth
