// Package auth says who calls: it has authenticators for the sessions of browsers, and the passwords and limits that a
// login needs.
//
// [NewSessions] makes the sessions of an app. They are a part of it:
//
//	var sessions = auth.NewSessions(auth.SessionConfig{})
//
//	cli.Main(sessions, actionhero.DefaultAccess(actionhero.Authenticated), login, …)
//
// An action that has checked a password calls [Sessions.Login]. The browser gets a cookie, and all its requests and
// connections over WebSocket and Socket.IO have the identity of the user, until [Sessions.Logout].
//
// [HashPassword] and [CheckPassword] store and check passwords with Argon2id. [LoginLimiter] bounds the attempts to guess
// one.
package auth
