// Package oauth is an OAuth 2.1 authorization server for the clients of an app, such as AI agents: for an app that has no
// identity provider. The users are those of the app, who log in as always; see [auth.Sessions]. A user allows a client to act
// in the own name, with chosen scopes. The client gets tokens, which are valid for this app only.
//
//	var server = oauth.New(oauth.Config{
//		Issuer: "https://app.example.com",
//		Scopes: []oauth.Scope{{Name: "tickets:read", Description: "read your tickets"}},
//	})
//
//	cli.Main(sessions, server, actionhero.DefaultAccess(actionhero.Authenticated), …)
//
// A caller with an access token is an [actionhero.Identity] with the ID and the roles of the user, and the scopes that the
// user has allowed. The rule [actionhero.Scopes] checks them.
//
// The server has four endpoints, /authorize, /token, /register (if [Config.Registration] is on) and /revoke, and tells them at
// /.well-known/oauth-authorization-server. It follows OAuth 2.1 (draft-ietf-oauth-v2-1), and of the RFCs: 6749, 6750, 7009
// (revocation), 7591 (registration), 7636 (PKCE, only S256), 8252 (native apps), 8414 (metadata), 8707 (resource), 9207 (iss),
// 9700 (security), and draft-ietf-oauth-client-id-metadata-document.
package oauth
