//go:build race

package testkit

// slower is by how much the race detector, which watches the clients as well, slows everything down.
const slower = 8
