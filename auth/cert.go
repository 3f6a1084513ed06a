package auth

import (
	"context"
	"crypto/x509"

	"github.com/actionhero-go/actionhero"
)

// ClientCert returns a part that knows callers by the certificates of their TLS connections, over HTTPS, WSS, Socket.IO and
// TCP: find returns the caller with a certificate. The setting httpsServer.clientCAFile or tcpServer.clientCAFile makes
// the server ask for certificates. find gets only certificates whose chains are verified, and whose time is now.
//
// If find returns the zero Identity, the next [actionhero.Authenticator] is asked. To refuse a certificate, for example
// one that is revoked, return an actionhero.Error of CodeUnauthenticated. The identity ends with the certificate at the
// latest. Behind a proxy that ends TLS there are no certificates.
func ClientCert(find func(ctx context.Context, cert *x509.Certificate) (actionhero.Identity, error)) actionhero.Part {
	return scheme("clientCert", "", needed(find != nil), func(ctx context.Context, c *actionhero.Credentials) (actionhero.Identity, error) {
		state := c.TLS()
		if state == nil || len(state.VerifiedChains) == 0 || len(state.VerifiedChains[0]) == 0 {
			return actionhero.Identity{}, nil
		}
		cert := state.VerifiedChains[0][0]
		who, err := find(ctx, cert)
		if err != nil || !who.Known() {
			return actionhero.Identity{}, err
		}
		if who.ExpiresAt.IsZero() || cert.NotAfter.Before(who.ExpiresAt) {
			who.ExpiresAt = cert.NotAfter
		}
		return who, nil
	}, actionhero.SecurityScheme{Name: "clientCert", Type: "mutualTLS", Description: "A certificate of the client."})
}
