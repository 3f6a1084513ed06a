// Package attack contains only tests. In these tests, hostile clients attack a complete server over each transport. The
// tests need the build tag "hostile". The command `make hostile` runs them.
package attack
