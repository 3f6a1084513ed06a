package testkit

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

// Wait is [basics.Wait].
const Wait = basics.Wait

// Eventually is [basics.Eventually].
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	basics.Eventually(t, what, condition)
}

// Within is [basics.Within].
func Within(limit time.Duration, condition func() bool) bool { return basics.Within(limit, condition) }

// Certificate is [basics.Certificate].
func Certificate(t testing.TB) (certFile, keyFile string, client *tls.Config) {
	t.Helper()
	return basics.Certificate(t)
}

// RenewCertificate is [basics.RenewCertificate].
func RenewCertificate(t testing.TB, certFile, keyFile string) (client *tls.Config) {
	t.Helper()
	return basics.RenewCertificate(t, certFile, keyFile)
}
