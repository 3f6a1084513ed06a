// Package oidc knows callers by tokens of OpenID Connect and OAuth issuers, such as Keycloak, Auth0, Entra ID and Google.
//
// [JWT] is for clients that have a token of an issuer: it checks the token on every transport. [Introspect] asks the issuer
// about tokens that are no JWT. [Login] is for browsers: it
// sends a user to the login of an issuer, and makes a session of package auth when the user comes back.
//
// It is a module of its own, so that apps without it do not link its library.
package oidc
