// Package attack has only tests: clients that mean harm attack a whole server, over each transport. They need the build
// tag hostile; make hostile runs them.
package attack
