// Package auth finds out who calls an app. Its parts are [actionhero.Authenticator] functions with what belongs to them:
// [Keys] issues and checks API keys.
package auth
